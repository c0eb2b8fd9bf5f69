// A value below 2^-125 becomes +0: adapters differ in flushing denormals, before rounding or after (DESIGN.md section 4).
fn canonical(bits: vec4<u32>) -> vec4<u32> { return select(bits, vec4<u32>(0u), (bits & vec4<u32>(0x7f000000u)) == vec4<u32>(0u)); }
fn canonicalOne(bits: u32) -> u32 { return select(bits, 0u, (bits & 0x7f000000u) == 0u); }
