/* Part of original.cpp: the cases of calls.h. */
#ifndef TESTS_BENCH_ORIGINAL_CALLS_H
#define TESTS_BENCH_ORIGINAL_CALLS_H

#include <unistd.h>
#include <sstream>
#include <string>

/* ---- values in and out ---- */
static void from_data() {
  static std::vector<float> values(1 << 20);
  mx::array a(values.begin(), {1 << 20});
}
static void from_four() {
  const float values[] = {1, 2, 3, 4};
  mx::array a(values, {4});
}
static void from_number() {
  mx::array a(1.0f);
}
static void item() {
  static volatile float value;
  value = in().one.item<float>();
}
static void text_of(mx::array a) {
  std::ostringstream s;
  s << a;
}
static void text_few() {
  text_of(in().tiny);
}
static void text_many() {
  text_of(in().square);
}
static void async_one() {
  auto a = mx::add(in().tiny, in().one);
  mx::async_eval(a);
  mx::eval(a);
}
static void views() {
  auto a = mx::transpose(in().left[0]);
  finish(mx::expand_dims(mx::slice(a, {1, 2}, {900, 1000}, {1, 2}), 0));
}

/* ---- files ---- */
static std::string file_of(const char* ending) {
  return "/tmp/lazuli-bench-" + std::to_string(getpid()) + "." + ending;
}
static void file_gone() {
  for (auto ending : {"npy", "safetensors", "gguf"})
    unlink(file_of(ending).c_str());
}
static void file_goes() {
  static int known = atexit(file_gone);
  (void)known;
}
static void save_npy() {
  file_goes();
  mx::save(file_of("npy"), in().left[0]);
}
static void load_npy() {
  static int saved = (save_npy(), 1);
  (void)saved;
  finish(mx::load(file_of("npy")));
}
static void save_tensors() {
  auto& l = in().left;
  file_goes();
  mx::save_safetensors(
      file_of("safetensors"), {{"a", l[0]}, {"b", l[1]}, {"c", l[2]}});
}
static void load_tensors() {
  static int saved = (save_tensors(), 1);
  (void)saved;
  auto all = mx::load_safetensors(file_of("safetensors")).first;
  for (auto name : {"a", "b", "c"}) finish(all.at(name));
}
static void save_gguf() {
  file_goes();
  mx::save_gguf(file_of("gguf"), {{"a", in().left[0]}});
}
static void load_gguf() {
  static int saved = (save_gguf(), 1);
  (void)saved;
  finish(mx::load_gguf(file_of("gguf")).first.at("a"));
}

/* ---- functions ---- */
static mx::array small_function(const list& v) {
  return mx::sum(mx::tanh(v[0] * v[1] + v[1]));
}
static list deep_function(const list& v) {
  auto a = v[0];
  for (int i = 0; i < 10; i++) a = mx::tanh(a * v[1] + v[1]);
  return {a};
}
static const list& two_tiny() {
  static list both = {in().tiny, in().tiny};
  return both;
}
static void gradient() {
  static auto g = mx::value_and_grad(small_function, std::vector<int>{0, 1});
  mx::eval(g(two_tiny()).second);
}
static void pulled() {
  mx::eval(mx::vjp(deep_function, two_tiny(), {in().tiny}).second);
}
static void pushed() {
  mx::eval(mx::jvp(deep_function, two_tiny(), two_tiny()).second);
}
static void mapped() {
  function f = deep_function;
  mx::eval(mx::vmap(f, {0, 0}, {0})(two_tiny()));
}
static void new_shape() {
  static int length;
  auto part = mx::slice(in().x, {0}, {++length % 65536 + 1});
  mx::eval(deep_function({part, part}));
}
static void compiled() {
  static function f = mx::compile(deep_function);
  mx::eval(f(two_tiny()));
}
static void imported() {
  static auto f = [] {
    auto file = file_of("mlxfn");
    mx::export_function(file, deep_function, two_tiny());
    auto loaded = mx::import_function(file);
    unlink(file.c_str());
    return loaded;
  }();
  mx::eval(f(two_tiny()));
}

#endif
