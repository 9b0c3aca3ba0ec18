# SPDX-License-Identifier: Apache-2.0
"""GLSL of the passes: shadow depth, colour, antialiasing, and geometry (never antialiased)."""

from affordance_seg_ros.training.synthesis.textures import WEAR_LAYER

SHADOW_VERTEX = """#version 330
in vec3 position;
uniform mat4 light_clip;
void main() { gl_Position = light_clip * vec4(position, 1.0); }
"""

SHADOW_FRAGMENT = """#version 330
void main() {}
"""

GEOMETRY_VERTEX = """#version 330
in vec3 position;
in vec3 next_position;
in vec3 normal;
in float part;
uniform mat4 clip;
uniform mat4 to_camera;
uniform mat4 to_camera_next;
out vec3 camera_position;
out vec3 motion;
out vec3 camera_normal;
flat out float part_id;
void main() {
  camera_position = (to_camera * vec4(position, 1.0)).xyz;
  motion = (to_camera_next * vec4(next_position, 1.0)).xyz - camera_position;
  camera_normal = mat3(to_camera) * normal;
  part_id = part;
  gl_Position = clip * vec4(position, 1.0);
}
"""

GEOMETRY_FRAGMENT = """#version 330
in vec3 camera_position;
in vec3 motion;
in vec3 camera_normal;
flat in float part_id;
layout(location = 0) out vec4 motion_depth;
layout(location = 1) out vec4 id_incidence;
void main() {
  motion_depth = vec4(motion, camera_position.z);
  float incidence = abs(dot(normalize(camera_normal), normalize(camera_position)));
  id_incidence = vec4(part_id, incidence, 0.0, 0.0);
}
"""

COLOR_VERTEX = """#version 330
in vec3 position;
in vec3 normal;
in vec2 uv;
in vec3 rgb;
in float layer;
in vec4 finish;  // gloss, metal, softness, wear
uniform mat4 clip;
out vec3 world;
out vec3 world_normal;
out vec2 texture_uv;
out vec3 albedo;
flat out float texture_layer;
flat out vec4 surface;
void main() {
  world = position;
  world_normal = normal;
  texture_uv = uv;
  albedo = rgb;
  texture_layer = layer;
  surface = finish;
  gl_Position = clip * vec4(position, 1.0);
}
"""

# A lamp with soft shadows, a sky whose light is blocked by what is above (a second shadow map
# from straight overhead, blurred widely: dark corners and contact shadows), a fill light, and one
# mirror lobe with Schlick's Fresnel term. The curve at the end is Narkowicz's fit of ACES: it
# rolls highlights off instead of clipping them.
COLOR_FRAGMENT = """#version 330
in vec3 world;
in vec3 world_normal;
in vec2 texture_uv;
in vec3 albedo;
flat in float texture_layer;
flat in vec4 surface;
uniform sampler2DArray textures;
uniform sampler2DShadow key_shadow;
uniform sampler2DShadow sky_shadow;
uniform mat4 key_clip;
uniform mat4 sky_clip;
uniform vec3 eye, key_direction, key_rgb, sky_rgb, ground_rgb, fill_direction, fill_rgb, balance;
uniform vec2 blur;  // of key and sky, in shadow map coordinates
uniform float exposure;
out vec4 pixel;

const vec2 disk[5] = vec2[](vec2(0.04, 0.08), vec2(0.72, 0.37), vec2(-0.41, 0.78),
  vec2(-0.75, -0.42), vec2(0.45, -0.74));

// A blur of few samples, turned differently at each pixel: grain instead of copies of the shadow.
float lit(sampler2DShadow map, mat4 map_clip, vec3 at, float radius, float bias) {
  vec3 q = (map_clip * vec4(at, 1.0)).xyz * 0.5 + 0.5;
  if (any(lessThan(q, vec3(0.0))) || any(greaterThan(q, vec3(1.0)))) return 1.0;
  float grain = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715))));
  float c = cos(6.2831853 * grain) * radius, s = sin(6.2831853 * grain) * radius;
  mat2 turn = mat2(c, s, -s, c);
  float sum = 0.0;
  for (int i = 0; i < 5; i++)
    sum += texture(map, vec3(q.xy + turn * disk[i], q.z - bias));
  return sum * 0.2;
}

void main() {
  float gloss = surface.x, metal = surface.y, softness = surface.z, wear = surface.w;
  vec3 to_eye = normalize(eye - world);
  vec3 n = normalize(world_normal);
  if (dot(n, to_eye) < 0.0) n = -n;
  vec3 tint = texture(textures, vec3(texture_uv, texture_layer)).rgb;
  vec3 base = albedo * tint * tint;
  if (wear > 0.0) {
    float stain = texture(textures, vec3(texture_uv * 1.7 + 0.3, WEAR_LAYER)).r;
    float worn = wear * smoothstep(0.90, 0.97, stain);
    base = mix(base, base * 0.45 + 0.04, worn);
    gloss *= 1.0 - 0.7 * worn;
  }

  float facing = dot(n, key_direction);
  float shade = lit(key_shadow, key_clip, world + n * 0.004, blur.x, 0.0012);
  float wrapped = clamp((facing + 0.35 * softness) / (1.0 + 0.35 * softness), 0.0, 1.0);
  vec3 creep = mix(vec3(1.0), vec3(1.0, 0.82, 0.74), softness * (1.0 - wrapped));
  vec3 key = key_rgb * wrapped * shade;
  float open = lit(sky_shadow, sky_clip, world + n * 0.012, blur.y, 0.004);
  open = mix(0.35, 1.0, open);
  vec3 ambient = mix(ground_rgb, sky_rgb, n.z * 0.5 + 0.5) * open;
  vec3 fill = fill_rgb * max(dot(n, fill_direction), 0.0) * open;
  vec3 diffuse = base * (1.0 - 0.85 * metal) * (key * creep + ambient + fill);

  vec3 h = normalize(key_direction + to_eye);
  float power = exp2(2.0 + 7.0 * gloss);
  float lobe = pow(max(dot(n, h), 0.0), power) * (power + 8.0) * 0.02;
  vec3 f0 = mix(vec3(0.04), base, metal);
  vec3 fresnel = f0 + (1.0 - f0) * pow(1.0 - max(dot(n, to_eye), 0.0), 5.0);
  vec3 mirror = reflect(-to_eye, n);
  vec3 around = mix(ground_rgb, sky_rgb, smoothstep(-0.3, 0.6, mirror.z)) * open;
  vec3 shine = gloss * fresnel * (lobe * key_rgb * max(facing, 0.0) * shade + around * 1.3);

  vec3 c = (diffuse + shine) * exposure * balance;
  c = (c * (2.51 * c + 0.03)) / (c * (2.43 * c + 0.59) + 0.14);
  pixel = vec4(pow(clamp(c, 0.0, 1.0), vec3(1.0 / 2.2)), 1.0);
}
""".replace("WEAR_LAYER", f"{WEAR_LAYER}.0")

SCREEN_VERTEX = """#version 330
out vec2 at;
void main() {
  at = vec2((gl_VertexID << 1) & 2, gl_VertexID & 2);
  gl_Position = vec4(at * 2.0 - 1.0, 0.0, 1.0);
}
"""

# Antialiasing of the finished picture: at a jump in brightness, colours are averaged along the
# edge, as far as the average stays within the range of its surroundings. On a software rasteriser
# this costs a tenth of drawing with four samples per pixel.
ANTIALIAS_FRAGMENT = """#version 330
in vec2 at;
uniform sampler2D picture;
uniform vec2 pixel_size;
out vec4 pixel;
float light(vec2 offset) {
  return dot(texture(picture, at + offset * pixel_size).rgb, vec3(0.299, 0.587, 0.114));
}
void main() {
  float here = light(vec2(0.0));
  float nw = light(vec2(-0.5, -0.5)), ne = light(vec2(0.5, -0.5));
  float sw = light(vec2(-0.5, 0.5)), se = light(vec2(0.5, 0.5));
  float low = min(here, min(min(nw, ne), min(sw, se)));
  float high = max(here, max(max(nw, ne), max(sw, se)));
  vec3 colour = texture(picture, at).rgb;
  if (high - low > max(0.02, 0.06 * high)) {
    vec2 along = vec2((sw + se) - (nw + ne), (nw + sw) - (ne + se));
    float shortest = min(abs(along.x), abs(along.y));
    along = clamp(along / (shortest + 0.03 * (nw + ne + sw + se) + 0.004), -3.0, 3.0) * pixel_size;
    vec3 near = 0.5 * (texture(picture, at - along / 6.0).rgb
      + texture(picture, at + along / 6.0).rgb);
    vec3 wide = 0.5 * near + 0.25 * (texture(picture, at - along * 0.5).rgb
      + texture(picture, at + along * 0.5).rgb);
    float mean = dot(wide, vec3(0.299, 0.587, 0.114));
    colour = mean < low || mean > high ? near : wide;
  }
  pixel = vec4(colour, 1.0);
}
"""
