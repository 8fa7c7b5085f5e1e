// Runs a piece of a benchmark in a process of its own, so that its peak of memory is its own.
#pragma once
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <functional>

#include "core/base/clock.h"
#include "core/base/status.h"

namespace pitr {

struct Measured {
  bool ok = false;
  double seconds = 0;
  double cpu_seconds = 0;
  double peak_mib = 0;
};

// `body` in a child process; what fails is told on standard error, under `name`. Call with no other thread running.
inline Measured MeasureQuietly(const char* name, const std::function<Status()>& body) {
  fflush(stdout);
  const int64_t before = SystemClock().SteadyMillis();
  const pid_t child = fork();
  if (child == 0) {
    const Status status = body();
    if (!status.ok()) fprintf(stderr, "%s: %s\n", name, status.ToString().c_str());
    fflush(stdout);
    _exit(status.ok() ? 0 : 1);
  }
  int state = 0;
  rusage usage{};
  Measured m;
  m.ok = child > 0 && wait4(child, &state, 0, &usage) == child && WIFEXITED(state) && WEXITSTATUS(state) == 0;
  m.seconds = static_cast<double>(SystemClock().SteadyMillis() - before) / 1000;
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  m.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  m.peak_mib = static_cast<double>(usage.ru_maxrss) / 1024;
  return m;
}

// The same, and prints a line.
inline Measured Measure(const char* name, const std::function<Status()>& body) {
  const Measured m = MeasureQuietly(name, body);
  printf("%-28s %8.2f s wall %8.2f s cpu %8.1f MiB peak%s\n", name, m.seconds, m.cpu_seconds, m.peak_mib,
         m.ok ? "" : "  FAILED");
  return m;
}

}  // namespace pitr
