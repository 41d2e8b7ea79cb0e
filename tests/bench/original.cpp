/* The original's side of the comparison, on its own C++ interface. run.py
 * compiles it against the installed package. */
#include <functional>
#include <optional>
#include <vector>
#include "mlx/mlx.h"
#include "worker.h"
namespace mx = mlx::core;

struct Inputs {
  mx::array square = mx::random::normal({SIDE, SIDE}, mx::random::key(1));
  mx::array x = mx::random::normal({ELEMENTS}, mx::random::key(11));
  mx::array y = mx::random::normal({ELEMENTS}, mx::random::key(2));
  mx::array z = mx::random::normal({ELEMENTS}, mx::random::key(3));
  mx::array mask = x > mx::array(0.0f);
  mx::array vector = mx::random::normal({SIDE, 1}, mx::random::key(4));
  mx::array half = mx::astype(x, mx::bfloat16);
  mx::array one = mx::array(1.0f);
  mx::array tiny = mx::random::normal({8}, mx::random::key(5));
  std::vector<mx::array> left, right;
  mx::array pixels = mx::random::normal({BATCH, PIXELS}, mx::random::key(6));
  mx::array classes = mx::random::normal({BATCH, CLASSES}, mx::random::key(7));
  mx::array weights = mx::random::normal({PIXELS, CLASSES}, mx::random::key(8));
  mx::array bias = mx::random::normal({CLASSES}, mx::random::key(9));
  Inputs() {
    for (auto type : {mx::float32, mx::float16, mx::bfloat16}) {
      auto all = mx::random::normal({MATMUL, MATMUL}, mx::random::key(10));
      left.push_back(mx::astype(all, type));
      right.push_back(mx::astype(all, type));
    }
    mx::eval(square, x, y, z, mask, vector, half, one, tiny);
    mx::eval(pixels, classes, weights, bias);
    mx::eval(left);
    mx::eval(right);
  }
};

static Inputs& in() {
  static Inputs* inputs = new Inputs;
  return *inputs;
}

static void finish(mx::array a) { mx::eval(a); }

static void add() { finish(mx::add(in().x, in().y)); }
static void transposed() { finish(mx::contiguous(mx::transpose(in().square))); }
static void cast_down() { finish(mx::astype(in().x, mx::bfloat16)); }
static void cast_up() { finish(mx::astype(in().half, mx::float32)); }
static void where() { finish(mx::where(in().mask, in().x, in().y)); }
static void exponential() { finish(mx::exp(in().x)); }
static void tangent() { finish(mx::tanh(in().x)); }
static void error_function() { finish(mx::erf(in().x)); }

/* The original fuses what is compiled by hand only: compiled is its best. */
using list = std::vector<mx::array>;
using function = std::function<list(const list&)>;

static void gelu() {
  static function f = mx::compile([](const list& v) -> list {
    auto& x = v[0];
    auto e = mx::erf(x * mx::array(0.70710678f)) + mx::array(1.0f);
    return {(x * mx::array(0.5f)) * e};
  });
  mx::eval(f({in().x}));
}

static void adam() {
  static function f = mx::compile([](const list& v) -> list {
    auto &x = v[0], &y = v[1], &z = v[2];
    auto m = z * mx::array(0.9f) + y * mx::array(0.1f);
    auto s = (z * z) * mx::array(0.999f) + (y * y) * mx::array(0.001f);
    auto step = m / (mx::sqrt(s) + mx::array(1e-8f));
    return {x - step * mx::array(1e-3f), m, s};
  });
  mx::eval(f({in().x, in().y, in().z}));
}

#define ALONG(name, call)                                                     \
  static void name##_rows() {                                                 \
    const int axis = 1;                                                       \
    finish(call);                                                             \
  }                                                                           \
  static void name##_columns() {                                              \
    const int axis = 0;                                                       \
    finish(call);                                                             \
  }
ALONG(softmax, mx::softmax(in().square, axis))
ALONG(logsumexp, mx::logsumexp(in().square, axis))
ALONG(sum, mx::sum(in().square, axis))
ALONG(max, mx::max(in().square, axis))
ALONG(argmax, mx::argmax(in().square, axis))

static void matmul_f32() { finish(mx::matmul(in().left[0], in().right[0])); }
static void matmul_f16() { finish(mx::matmul(in().left[1], in().right[1])); }
static void matmul_bf16() { finish(mx::matmul(in().left[2], in().right[2])); }
static void matvec() { finish(mx::matmul(in().square, in().vector)); }

static void var_rows() { finish(mx::var(in().square, 1)); }
static void var_columns() { finish(mx::var(in().square, 0)); }
static void layer_norm() {
  finish(mx::fast::layer_norm(in().square, std::nullopt, std::nullopt, 1e-5f));
}
static void rms_norm() {
  finish(mx::fast::rms_norm(in().square, std::nullopt, 1e-5f));
}

static mx::array made(mx::array a) {
  mx::eval(a);
  return a;
}
static mx::array normal(mx::Shape shape) {
  return made(mx::random::normal(shape, mx::random::key(21)));
}
static const mx::array& cube() {
  static auto a = made(mx::reshape(in().square, {MIDDLE, MIDDLE, MIDDLE}));
  return a;
}
static void softmax_middle() { finish(mx::softmax(cube(), 1)); }
static void logsumexp_middle() { finish(mx::logsumexp(cube(), 1)); }

template <int bits, bool half>
static void quantized() {
  const auto type = half ? mx::bfloat16 : mx::float32;
  static auto w = mx::quantize(mx::astype(in().square, type), 64, bits);
  static auto v =
      made(mx::astype(mx::reshape(in().vector, {1, SIDE}), type));
  finish(mx::quantized_matmul(v, w[0], w[1], w[2], true, 64, bits));
}
static void quantized_4() { quantized<4, false>(); }
static void quantized_8() { quantized<8, false>(); }
static void quantized_4_half() { quantized<4, true>(); }
static void quantized_8_half() { quantized<8, true>(); }

static void vecmat() {
  static auto v = made(mx::reshape(in().vector, {1, SIDE}));
  finish(mx::matmul(v, in().square));
}
static void matvec_half() {
  static auto m = made(mx::astype(in().square, mx::bfloat16));
  static auto v = made(mx::astype(in().vector, mx::bfloat16));
  finish(mx::matmul(m, v));
}
static void matmul_transposed() {
  finish(mx::matmul(in().left[0], mx::transpose(in().right[0])));
}
static void matmul_batched() {
  static auto a = made(mx::reshape(in().left[0], {16, 256, 256}));
  static auto b = made(mx::reshape(in().right[0], {16, 256, 256}));
  finish(mx::matmul(a, b));
}
static void addmm() {
  finish(mx::addmm(in().left[0], in().left[0], in().right[0]));
}

static void attention(const mx::array& q) {
  finish(mx::fast::scaled_dot_product_attention(q, q, q, 0.125f, "causal"));
}
static mx::array heads(mx::Dtype type) {
  return made(mx::astype(normal({2, 8, 512, 64}), type));
}
static void attention_f32() {
  static auto q = heads(mx::float32);
  attention(q);
}
static void attention_f16() {
  static auto q = heads(mx::float16);
  attention(q);
}
static void attention_bf16() {
  static auto q = heads(mx::bfloat16);
  attention(q);
}

static const mx::array& table() {
  static auto a = normal({1024, 1024});
  return a;
}
static mx::array places(int count, int below) {
  return made(mx::random::randint(
      mx::array(0), mx::array(below), {count}, mx::int32, mx::random::key(77)));
}
static void sorted() { finish(mx::sort(table(), -1)); }
static void topk() { finish(mx::topk(table(), 16, -1)); }
static void cumsum() { finish(mx::cumsum(in().square, -1)); }
static void take_rows() {
  static auto at = places(SIDE, SIDE);
  finish(mx::take(in().square, at, 0));
}
static void take_elements() {
  static auto at = places(ELEMENTS / 16, ELEMENTS);
  finish(mx::take(in().x, at));
}
static void scatter_rows() {
  static auto at = places(1024, 1024);
  static auto updates = made(mx::reshape(in().left[0], {1024, 1, 1024}));
  finish(mx::scatter_add(in().right[0], at, updates, 0));
}
static void conv2d() {
  static auto image = normal({4, 56, 56, 64});
  static auto filter = normal({64, 3, 3, 64});
  finish(mx::conv2d(image, filter, {1, 1}, {1, 1}));
}
static void rope() {
  static auto a = normal({1, 32, 512, 128});
  finish(mx::fast::rope(a, 128, false, 10000.0f, 1.0f, 0));
}
static void random_normal() {
  finish(mx::random::normal({1024, 1024}, mx::random::key(5)));
}

static void train() {
  auto& i = in();
  auto probs = mx::softmax(mx::addmm(i.bias, i.pixels, i.weights), -1);
  auto likely = mx::sum(probs * i.classes, -1);
  auto loss = -mx::mean(mx::log(likely + mx::array(1e-9f)));
  auto error = (probs - i.classes) / mx::array((float)BATCH);
  auto dw = mx::matmul(mx::transpose(i.pixels), error);
  auto db = mx::sum(error, 0);
  i.weights = i.weights - dw * mx::array(1e-6f);
  i.bias = i.bias - db * mx::array(1e-6f);
  mx::eval(i.weights, i.bias, loss);
}

static mx::array chain(int length) {
  auto a = in().tiny;
  for (int i = 0; i < length; i++) a = mx::add(a, in().one);
  return a;
}

static double build() {
  const double nodes = 20 * CHAIN;
  double total = 0;
  for (int i = 0; i < 20; i++) {
    double begin = worker_now();
    auto a = chain(CHAIN);
    total += worker_now() - begin;
  }
  return total / nodes;
}

static double chain_of(int length, int times) {
  double begin = worker_now();
  for (int i = 0; i < times; i++) mx::eval(chain(length));
  return (worker_now() - begin) / times / length;
}

static double chains() { return chain_of(CHAIN, 10); }
static double long_chain() { return chain_of(LONG_CHAIN, 1); }
static double single() { return chain_of(1, SINGLES); }

#include "original_calls.h"

static const worker_case cases[] = {
#define CASE(name, function) {name, function, NULL},
#define TIMED(name, function) {name, NULL, function},
#include "cases.def"
};

int main() { return worker_serve(cases, sizeof cases / sizeof *cases); }
