// A fuzz target: a parser of bytes that somebody else wrote, and what must hold whatever they are. It ends the process
// (abort, a sanitizer, a trap) when it does not hold; what it returns says nothing.
//
//   PITR_FUZZ_TARGET(name)(const uint8_t* data, size_t size) { ...; return 0; }
//
// All targets are in one program (main.cpp). Inputs worth keeping are in corpus/<name>.txt, one a line (corpus.h).
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace pitr::fuzz {

using Run = int (*)(const uint8_t* data, size_t size);

struct Target {
  const char* name;
  Run run;
};

// Filled before main begins.
inline std::vector<Target>& Targets() {
  static std::vector<Target> targets;
  return targets;
}

struct Registration {
  Registration(const char* name, Run run) { Targets().push_back({name, run}); }
};

}  // namespace pitr::fuzz

#define PITR_FUZZ_TARGET(name)                                                 \
  static int Fuzz_##name(const uint8_t* data, size_t size);                    \
  static const pitr::fuzz::Registration registered_##name(#name, Fuzz_##name); \
  static int Fuzz_##name
