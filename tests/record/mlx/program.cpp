// A program on MLX that knows nothing of a recorder.
#include <iostream>
#include "mlx/mlx.h"
namespace mx = mlx::core;

int main() {
  auto x = mx::ones({8, 4});
  auto w = mx::random::normal({4, 3}, mx::random::key(1));
  auto gradient = mx::grad([&](const mx::array& p) {
    return mx::mean(mx::square(mx::tanh(mx::matmul(x, p))));
  });
  for (int i = 0; i < 3; i++) {
    w = w - mx::array(0.1f) * gradient(w);
    w.eval();  // expect: eval x3
  }
  float first = mx::sum(w).item<float>();  // expect: item
  std::cout << (first == first) << "\n";
  std::cout << (w > mx::array(1000.0f)) << "\n";  // expect: print
  auto e = mx::exp(w);
  mx::async_eval(e);  // expect: async_eval
  mx::synchronize();
  auto fused = mx::compile([](const std::vector<mx::array>& in) {
    return std::vector<mx::array>{mx::tanh(in[0]) * in[0] + in[0]};
  });
  auto o = fused({e})[0];
  mx::eval(o);  // expect: eval
  try {
    mx::compile([](const std::vector<mx::array>& in) {
      mx::eval(in[0] + in[0]);  // expect: eval
      return in;
    })({e});
  } catch (const std::exception&) {
    std::cout << "caught\n";
  }
  mx::save("saved.npy", o + o);  // expect: save
  std::cout << "peak " << mx::get_peak_memory() << std::endl;
}
