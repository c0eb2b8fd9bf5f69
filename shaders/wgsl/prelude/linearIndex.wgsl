const WORKGROUP_SIZE = 64u;
// Item of this thread in a grid made by linearGrid(): large grids fold into y.
fn linearIndex(id: vec3<u32>, groups: vec3<u32>) -> u32 {
  return id.x + id.y * groups.x * WORKGROUP_SIZE;
}
