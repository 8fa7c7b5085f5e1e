// What a piece of work takes in memory, seen in a process of its own.
#pragma once
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <string>

#include "core/base/status.h"

namespace pitr::test {

// A field of /proc/self/status, in bytes.
inline uint64_t MemoryField(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name + ":")) return strtoull(line.c_str() + name.size() + 1, nullptr, 10) * 1024;
  return 0;
}

// Bytes by which the peak of a child process that runs `body` is above what it began with; UINT64_MAX when `body`
// fails. Call with no other thread running.
inline uint64_t PeakGrowth(const std::function<Status()>& body) {
  int ends[2];
  if (pipe(ends) != 0) return UINT64_MAX;
  const pid_t child = fork();
  if (child == 0) {
    // What earlier tests have freed would be used unseen.
    malloc_trim(0);
    std::ofstream("/proc/self/clear_refs") << "5";
    const uint64_t before = MemoryField("VmRSS");
    const Status status = body();
    if (!status.ok()) fprintf(stderr, "%s\n", status.ToString().c_str());
    const uint64_t growth = status.ok() ? MemoryField("VmHWM") - before : UINT64_MAX;
    const bool told = write(ends[1], &growth, sizeof growth) == sizeof growth;
    _exit(told ? 0 : 1);
  }
  uint64_t growth = UINT64_MAX;
  close(ends[1]);
  if (child > 0 && read(ends[0], &growth, sizeof growth) != sizeof growth) growth = UINT64_MAX;
  close(ends[0]);
  if (child > 0) waitpid(child, nullptr, 0);
  return growth;
}

}  // namespace pitr::test
