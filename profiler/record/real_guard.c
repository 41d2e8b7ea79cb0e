#include "real_guard.h"

/* Of this thread, innermost first. */
static __thread real_guard* guards __attribute__((tls_model("initial-exec")));

/* real_guard_call(function, arguments): nothing but the call. */
real_word real_guard_call(real_function function, const real_word* arguments)
    __attribute__((visibility("hidden")));

int real_guard_personality(
    int version, int actions, uint64_t class, void* exception, void* context)
    __attribute__((visibility("hidden"), used));

/* What <unwind.h> calls _UA_CLEANUP_PHASE and _URC_CONTINUE_UNWIND. */
enum { GUARD_CLEANUP_PHASE = 2, GUARD_CONTINUE = 8 };

/* Frames are left innermost first, so the first guard is this frame's. */
int real_guard_personality(
    int version, int actions, uint64_t class, void* exception, void* context) {
  (void)version, (void)class, (void)exception, (void)context;
  real_guard* guard = guards;
  if ((actions & GUARD_CLEANUP_PHASE) && guard) {
    guards = guard->outer;
    guard->undo(guard->scope);
  }
  return GUARD_CONTINUE;
}

#if defined(__x86_64__)
__asm__(
    ".text\n"
    ".p2align 4\n"
    ".hidden real_guard_call\n"
    ".globl real_guard_call\n"
    ".type real_guard_call, @function\n"
    "real_guard_call:\n"
    ".cfi_startproc\n"
    /* pc-relative, four bytes */
    ".cfi_personality 0x1b, real_guard_personality\n"
    "pushq %rbp\n"
    ".cfi_def_cfa_offset 16\n"
    ".cfi_offset %rbp, -16\n"
    "movq %rsp, %rbp\n"
    ".cfi_def_cfa_register %rbp\n"
    "movq %rdi, %rax\n"
    "movq %rsi, %r10\n"
    "movq 0(%r10), %rdi\n"
    "movq 8(%r10), %rsi\n"
    "movq 16(%r10), %rdx\n"
    "movq 24(%r10), %rcx\n"
    "movq 32(%r10), %r8\n"
    "movq 40(%r10), %r9\n"
    "call *%rax\n"
    "popq %rbp\n"
    ".cfi_def_cfa %rsp, 8\n"
    "ret\n"
    ".cfi_endproc\n"
    ".size real_guard_call, .-real_guard_call\n");
#else
/* Without the guard: what an exception leaves behind is not undone. */
real_word real_guard_call(real_function function, const real_word* a) {
  return function(a[0], a[1], a[2], a[3], a[4], a[5]);
}
#endif

real_word real_guarded(
    real_guard* guard, real_function function, const real_word arguments[6]) {
  guard->outer = guards;
  guards = guard;
  real_word result = real_guard_call(function, arguments);
  guards = guard->outer;
  return result;
}
