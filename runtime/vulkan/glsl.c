#include "vulkan/glsl.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "vulkan/kernels.h"

/* Element types in shaders: as stored, as computed with, and the way between.
 * Floats narrower than 32 bits are rounded after every operation, as on the
 * CPU. */
typedef struct glsl_type {
  const char* stored;
  const char* lane;
  const char* load;  /* of x */
  const char* store; /* of x */
  const char* round; /* of x, after an operation; NULL: nothing */
} glsl_type;

static const glsl_type types[DTYPE_COUNT] = {
    [DTYPE_BOOL] =
        {"uint8_t", "bool", "x != uint8_t(0)", "uint8_t(x ? 1 : 0)", NULL},
    [DTYPE_INT32] = {"int", "int", "x", "x", NULL},
    [DTYPE_UINT32] = {"uint", "uint", "x", "x", NULL},
    [DTYPE_INT64] = {"int64_t", "int64_t", "x", "x", NULL},
    [DTYPE_UINT64] = {"uint64_t", "uint64_t", "x", "x", NULL},
    [DTYPE_FLOAT32] = {"float", "float", "x", "x", NULL},
    [DTYPE_FLOAT16] =
        {"float16_t",
         "float",
         "float(x)",
         "float16_t(x)",
         "float(float16_t(x))"},
    [DTYPE_BFLOAT16] =
        {"uint16_t",
         "float",
         "uintBitsToFloat(uint(x) << 16)",
         "ew_to_bfloat16(x)",
         "uintBitsToFloat(uint(ew_to_bfloat16(x)) << 16)"},
};

static const char* const whole[EW_ALL] = {
#define GLSL_WHOLE(id, e) [EW_##id] = e,
#include "vulkan/glsl_int.def"
};
static const char* const boolean[EW_ALL] = {
#define GLSL_BOOL(id, e) [EW_##id] = e,
#include "vulkan/glsl_int.def"
};

static const char header[] =
    "#version 460\n"
    "#extension GL_EXT_buffer_reference : require\n"
    "#extension GL_EXT_buffer_reference_uvec2 : require\n"
    "#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require\n"
    "#extension GL_EXT_shader_explicit_arithmetic_types_int8 : require\n"
    "#extension GL_EXT_shader_explicit_arithmetic_types_int16 : require\n"
    "#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require\n"
    "#extension GL_EXT_shader_8bit_storage : require\n"
    "#extension GL_EXT_shader_16bit_storage : require\n"
    "layout(local_size_x = 256) in;\n";

/* Functions that the table's expressions call. Formulas: the C library's
 * definitions; erf by Abramowitz and Stegun 7.1.26 refined near zero by its
 * Taylor series; erfinv by Giles, "Approximating the erfinv function". */
static const char prelude[] =
    "uint16_t ew_to_bfloat16(float x) {\n"
    "  uint b = floatBitsToUint(x);\n"
    "  if ((b & 0x7fffffffu) > 0x7f800000u) return uint16_t(0x7fc0u);\n"
    "  return uint16_t((b + 0x7fffu + ((b >> 16) & 1u)) >> 16);\n"
    "}\n"
    "float ew_fmod(float a, float b) { return a - b * trunc(a / b); }\n"
    "float ew_remainder(float a, float b) {\n"
    "  float r = ew_fmod(a, b);\n"
    "  return r != 0.0 && (r < 0.0) != (b < 0.0) ? r + b : r;\n"
    "}\n"
    "float ew_pow(float a, float b) {\n"
    "  if (b == 0.0 || a == 1.0) return 1.0;\n"
    "  if (a == 0.0) return b > 0.0 ? 0.0 : 1.0 / 0.0;\n"
    "  float r = exp2(b * log2(abs(a)));\n"
    "  if (a > 0.0) return r;\n"
    "  if (b != trunc(b)) return 0.0 / 0.0;\n"
    "  return mod(b, 2.0) != 0.0 ? -r : r;\n"
    "}\n"
    "float ew_log1p(float a) {\n"
    "  float u = 1.0 + a;\n"
    "  return u == 1.0 ? a : log(u) * a / (u - 1.0);\n"
    "}\n"
    "float ew_expm1(float a) {\n"
    "  if (abs(a) < 0.5) {\n"
    "    float t = 1.0, s = 1.0;\n"
    "    for (int i = 9; i > 1; i--) s = 1.0 + s * a / float(i);\n"
    "    return a * s;\n"
    "  }\n"
    "  return exp(a) - 1.0;\n"
    "}\n"
    "float ew_log10(float a) { return log(a) * 0.43429448190325; }\n"
    "float ew_logaddexp(float a, float b) {\n"
    "  float m = max(a, b), n = min(a, b);\n"
    "  return isinf(m) || n == m ? (n == m && !isinf(m) ? m + 0.69314718056 : "
    "m)\n"
    "                            : m + ew_log1p(exp(n - m));\n"
    "}\n"
    "float ew_atan2(float a, float b) {\n"
    "  return b == 0.0 && a == 0.0 ? 0.0 : atan(a, b);\n"
    "}\n"
    "float ew_sinh(float a) {\n"
    "  return abs(a) < 0.5 ? 0.5 * (ew_expm1(a) - ew_expm1(-a))\n"
    "                      : 0.5 * (exp(a) - exp(-a));\n"
    "}\n"
    "float ew_cosh(float a) { return 0.5 * (exp(a) + exp(-a)); }\n"
    "float ew_tanh(float a) {\n"
    "  if (abs(a) > 10.0) return sign(a);\n"
    "  float e = ew_expm1(2.0 * a);\n"
    "  return e / (e + 2.0);\n"
    "}\n"
    "float ew_asinh(float a) {\n"
    "  float x = abs(a);\n"
    "  return sign(a) * ew_log1p(x + x * x / (1.0 + sqrt(x * x + 1.0)));\n"
    "}\n"
    "float ew_acosh(float a) { return log(a + sqrt(a * a - 1.0)); }\n"
    "float ew_atanh(float a) { return 0.5 * ew_log1p(2.0 * a / (1.0 - a)); }\n"
    "float ew_erf(float a) {\n"
    "  float x = abs(a);\n"
    "  if (x < 0.84375) {\n"
    "    float s = 0.0, t = a;\n"
    "    for (int n = 0; n < 12; n++) {\n"
    "      s += t / float(2 * n + 1);\n"
    "      t *= -a * a / float(n + 1);\n"
    "    }\n"
    "    return 1.1283791670955 * s;\n"
    "  }\n"
    "  float t = 1.0 / (1.0 + 0.3275911 * x);\n"
    "  float p = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 +\n"
    "            t * (-1.453152027 + t * 1.061405429))));\n"
    "  return sign(a) * (1.0 - p * exp(-x * x));\n"
    "}\n"
    "float ew_erfinv(float a) {\n"
    "  if (abs(a) == 1.0) return a * uintBitsToFloat(0x7f800000u);\n"
    "  float w = -log((1.0 - a) * (1.0 + a)), p;\n"
    "  if (w < 5.0) {\n"
    "    w -= 2.5;\n"
    "    p = 2.81022636e-08; p = 3.43273939e-07 + p * w;\n"
    "    p = -3.5233877e-06 + p * w; p = -4.39150654e-06 + p * w;\n"
    "    p = 0.00021858087 + p * w; p = -0.00125372503 + p * w;\n"
    "    p = -0.00417768164 + p * w; p = 0.246640727 + p * w;\n"
    "    p = 1.50140941 + p * w;\n"
    "  } else {\n"
    "    w = sqrt(w) - 3.0;\n"
    "    p = -0.000200214257; p = 0.000100950558 + p * w;\n"
    "    p = 0.00134934322 + p * w; p = -0.00367342844 + p * w;\n"
    "    p = 0.00573950773 + p * w; p = -0.0076224613 + p * w;\n"
    "    p = 0.00943887047 + p * w; p = 1.00167406 + p * w;\n"
    "    p = 2.83297682 + p * w;\n"
    "  }\n"
    "  return p * a;\n"
    "}\n";

typedef struct glsl_text {
  char* bytes;
  size_t length, capacity;
  bool failed;
} glsl_text;

__attribute__((format(printf, 2, 3))) static void put(
    glsl_text* t, const char* format, ...) {
  for (int attempt = 0; attempt < 2 && !t->failed; attempt++) {
    va_list args;
    va_start(args, format);
    size_t room = t->capacity - t->length;
    int n = vsnprintf(t->bytes + t->length, room, format, args);
    va_end(args);
    if ((size_t)n < room) {
      t->length += (size_t)n;
      return;
    }
    size_t capacity = 2 * t->capacity + (size_t)n + 1;
    char* bytes = realloc(t->bytes, capacity);
    if (!bytes) {
      t->failed = true;
      error_memory();
      return;
    }
    t->bytes = bytes;
    t->capacity = capacity;
  }
}

static bool glsl_has(uint8_t dtype) {
  if (types[dtype].stored) return true;
  gpu_lack(
      "[fused kernel] %s has no gpu kernel yet", dtype_name((lz_dtype)dtype));
  return false;
}

static const char* glsl_expression(const lz_instr* i) {
  lz_dtype d = (lz_dtype)i->dtype;
  const char* e = i->op == EW_SELECT    ? "a ? b : c"
                  : d == DTYPE_BOOL     ? boolean[i->op]
                  : dtype_is_integer(d) ? whole[i->op]
                                        : ew_glsl((ew_op)i->op);
  if (e && *e) return e;
  gpu_lack(
      "[%s] has no gpu kernel for %s yet",
      ew_name((ew_op)i->op),
      dtype_name(d));
  return NULL;
}

/* A float as text: there are no words for what is not finite. */
static void glsl_float(glsl_text* t, double v) {
  if (isfinite((float)v))
    put(t, "float(%.9g)", v);
  else
    put(t,
        "uintBitsToFloat(0x%xu)",
        isnan(v) ? 0x7fc00000u
        : v < 0  ? 0xff800000u
                 : 0x7f800000u);
}

/* Immediates as literals of the lane's type. */
static void glsl_immediate(
    glsl_text* t, const lz_instr* i, const lz_program* p) {
  const lz_immediate* imm = &p->immediates[i->src[0]];
  lz_dtype d = (lz_dtype)i->out_dtype;
  const char* lane = types[d].lane;
  double value = i->op == EW_CONST ? dtype_load(d, imm->value.bytes) : 0;
  if (i->op == EW_CONST && dtype_is_integer(d)) {
    long long whole =
        d == DTYPE_UINT64 ? (long long)(uint64_t)value : (long long)value;
    put(t, "%s(int64_t(%lldL))", lane, whole);
  } else if (i->op == EW_CONST) {
    put(t, "%s(", lane);
    glsl_float(t, value);
    put(t, ")");
  } else if (dtype_is_integer(d)) {
    put(t,
        "%s(int64_t(%lldL) + int64_t(%lldL) * int64_t(i))",
        lane,
        (long long)imm->value.i,
        (long long)imm->step.i);
  } else {
    glsl_float(t, imm->value.f);
    put(t, " + ");
    glsl_float(t, imm->step.f);
    put(t, " * float(i)");
  }
}

static void glsl_cast(glsl_text* t, const lz_instr* i, int a) {
  if (i->out_dtype == DTYPE_BOOL && i->dtype != DTYPE_BOOL)
    put(t, "v%d != %s(0)", a, types[i->dtype].lane);
  else
    put(t, "%s(v%d)", types[i->out_dtype].lane, a);
}

static bool glsl_instr(
    glsl_text* t, const lz_program* p, int n, const int* variable) {
  const lz_instr* i = &p->instrs[n];
  if (!glsl_has(i->out_dtype) || !glsl_has(i->dtype)) return false;
  int id = p->n_inputs + n;
  const glsl_type* out = &types[i->out_dtype];
  put(t, "  %s v%d; {", out->lane, id);
  int arity = i->op < EW_COUNT ? ew_arity((ew_op)i->op) : 0;
  if (arity == 0) {
    put(t, " v%d = ", id);
    glsl_immediate(t, i, p);
  } else if (i->op == EW_ASTYPE) {
    put(t, " v%d = ", id);
    glsl_cast(t, i, variable[i->src[0]]);
  } else {
    const char* e = glsl_expression(i);
    if (!e) return false;
    for (int k = 0; k < arity; k++) {
      bool condition = i->op == EW_SELECT && k == 0;
      put(t,
          " %s %c = v%d;",
          condition ? "bool" : types[i->dtype].lane,
          "abc"[k],
          variable[i->src[k]]);
    }
    put(t, " v%d = %s", id, e);
  }
  put(t, ";");
  if (out->round) put(t, " { float x = v%d; v%d = %s; }", id, id, out->round);
  put(t, " }\n");
  return true;
}

static void glsl_parameters(
    glsl_text* t, int n_in, int n_out, int n_strided, int ndim) {
  put(t,
      "layout(buffer_reference, std430, buffer_reference_align = 8) readonly "
      "buffer Params {\n  uint64_t at[%d];\n  uint n;\n  int shape[%d];\n"
      "  int strides[%d];\n};\n"
      "layout(push_constant) uniform Push { Params p; };\n",
      n_in + n_out,
      ndim ? ndim : 1,
      n_strided && ndim ? n_strided * ndim : 1);
}

static void glsl_buffers(glsl_text* t, const uint8_t* dtypes, int n) {
  for (int k = 0; k < n; k++) {
    const char* stored = types[dtypes[k]].stored;
    bool seen = false;
    for (int j = 0; j < k; j++)
      seen = seen || strcmp(types[dtypes[j]].stored, stored) == 0;
    if (!seen)
      put(t,
          "layout(buffer_reference, std430, buffer_reference_align = %zu) "
          "buffer B_%s { %s v[]; };\n",
          dtype_size((lz_dtype)dtypes[k]),
          stored,
          stored);
  }
}

static void glsl_load(
    glsl_text* t,
    int k,
    uint8_t dtype,
    glsl_access access,
    int ndim,
    int* n_strided) {
  const glsl_type* type = &types[dtype];
  put(t, "  %s v%d; {", type->lane, k);
  if (access == GLSL_STRIDED) {
    put(t, " uint r = i; int o = 0;");
    for (int d = ndim; d-- > 0;)
      put(t,
          " o += int(r %% uint(p.shape[%d])) * p.strides[%d]; r /= "
          "uint(p.shape[%d]);",
          d,
          *n_strided * ndim + d,
          d);
    ++*n_strided;
  }
  put(t,
      " %s x = B_%s(p.at[%d]).v[%s]; v%d = %s; }\n",
      type->stored,
      type->stored,
      k,
      access == GLSL_DENSE    ? "i"
      : access == GLSL_SCALAR ? "0"
                              : "o",
      k,
      type->load);
}

static bool glsl_write(
    glsl_text* t,
    const lz_program* p,
    const uint8_t* in,
    const uint8_t* out,
    const glsl_access* access,
    int ndim) {
  uint8_t all[PROGRAM_MAX_INPUTS + PROGRAM_MAX_OUTPUTS];
  int variable[PROGRAM_MAX_REGISTERS + PROGRAM_MAX_INSTRS];
  int n_strided = 0;
  for (int k = 0; k < p->n_inputs; k++) {
    all[k] = in[k];
    n_strided += access[k] == GLSL_STRIDED;
  }
  for (int k = 0; k < p->n_outputs; k++) all[p->n_inputs + k] = out[k];
  for (int k = 0; k < p->n_inputs + p->n_outputs; k++)
    if (!glsl_has(all[k])) return false;
  put(t, "%s", header);
  glsl_parameters(t, p->n_inputs, p->n_outputs, n_strided, ndim);
  glsl_buffers(t, all, p->n_inputs + p->n_outputs);
  put(t, "%s", prelude);
  put(t,
      "void main() {\n"
      "  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * %uu;\n"
      "  if (i >= p.n) return;\n",
      (unsigned)GLSL_ROW * GLSL_GROUP);
  n_strided = 0;
  for (int k = 0; k < p->n_inputs; k++) {
    glsl_load(t, k, in[k], access[k], ndim, &n_strided);
    variable[k] = k;
  }
  for (int n = 0; n < p->n_instrs; n++) {
    if (!glsl_instr(t, p, n, variable)) return false;
    variable[p->instrs[n].dst] = p->n_inputs + n;
  }
  for (int k = 0; k < p->n_outputs; k++) {
    const glsl_type* type = &types[out[k]];
    put(t,
        "  { %s x = v%d; B_%s(p.at[%d]).v[i] = %s; }\n",
        type->lane,
        variable[p->output_registers[k]],
        type->stored,
        p->n_inputs + k,
        type->store);
  }
  put(t, "}\n");
  return !t->failed;
}

char* glsl_program(
    const lz_program* program,
    const uint8_t* input_dtypes,
    const uint8_t* output_dtypes,
    const glsl_access* access,
    int ndim) {
  glsl_text t = {.bytes = malloc(16384), .capacity = 16384};
  if (!t.bytes) return error_memory();
  if (glsl_write(&t, program, input_dtypes, output_dtypes, access, ndim))
    return t.bytes;
  free(t.bytes);
  return NULL;
}
