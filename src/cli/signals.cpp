#include "cli/signals.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>

namespace pitr::cli {
namespace {

CancelToken g_token;
std::atomic<int> g_signal{0};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

// Async-signal-safe: lock-free stores, signal() and kill() only.
void OnSignal(int number) {
  if (g_signal.exchange(number) != 0) {
    signal(number, SIG_DFL);
    raise(number);
    return;
  }
  g_token.Cancel();
}

}  // namespace

const CancelToken& CatchSignals() {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return g_token;
}

int CaughtSignal() {
  const int number = g_signal.load();
  return number == 0 ? SIGTERM : number;
}

}  // namespace pitr::cli
