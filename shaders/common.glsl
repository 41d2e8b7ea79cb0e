// What every shader of this folder has: buffers by address, and parameters
// whose address is the one push constant.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(buffer_reference, std430, buffer_reference_align = 4) buffer Floats {
  float v[];
};

#define PARAMS(fields)                                                   \
  layout(buffer_reference, std430, buffer_reference_align = 8) readonly  \
      buffer Params{fields};                                             \
  layout(push_constant) uniform Push {                                   \
    Params p;                                                            \
  };
