// A C interface to a little of MLX, as mlx-c is one to all of it: the functions
// that it shares with mlx-c have the same names and arguments.
#include <sstream>
#include <string>
#include <vector>

#include "mlx/mlx.h"
namespace mx = mlx::core;

struct handle {
  void* ctx;
};

static mx::array& of(handle h) {
  return *static_cast<mx::array*>(h.ctx);
}

static int put(handle* to, mx::array a) {
  if (to->ctx)
    of(*to) = std::move(a);
  else
    to->ctx = new mx::array(std::move(a));
  return 0;
}

static mx::array fused(const mx::array& x) {
  static auto f = mx::compile([](const std::vector<mx::array>& in) {
    return std::vector<mx::array>{mx::sin(in[0]) * in[0] + in[0]};
  });
  return f({x})[0];
}

extern "C" {
handle mlx_array_new_float(float v) {
  return {new mx::array(v)};
}
int mlx_array_free(handle h) {
  delete static_cast<mx::array*>(h.ctx);
  return 0;
}
int shim_ones(handle* to, int rows, int columns) {
  return put(to, mx::ones({rows, columns}));
}
int shim_add(handle* to, handle a, handle b) {
  return put(to, mx::add(of(a), of(b)));
}
int shim_fused(handle* to, handle a) {
  return put(to, fused(of(a)));
}
int shim_sum(handle* to, handle a) {
  return put(to, mx::sum(of(a)));
}
int mlx_array_eval(handle h) {
  of(h).eval();
  return 0;
}
int mlx_async_eval(handle h) {
  mx::async_eval(of(h));
  return 0;
}
int mlx_array_item_float32(float* to, handle h) {
  *to = of(h).item<float>();
  return 0;
}
int shim_text(char* to, size_t size, handle h) {
  std::ostringstream out;
  out << of(h);
  out.str().copy(to, size - 1);
  return 0;
}
size_t shim_peak() {
  return mx::get_peak_memory();
}
}
