override WORKGROUP_SIZE: u32 = 64;
// The item of a grid made by linearGrid().
fn itemOf(id: vec3<u32>, groups: vec3<u32>) -> u32 { return id.x + id.y * (groups.x * WORKGROUP_SIZE); }
