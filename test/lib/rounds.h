// How often a test repeats itself with other random numbers: as often as it says, and a fifth of that under a
// sanitizer, where it would take minutes. What uses it is one of plain_tests (CMakeLists.txt), so that each test run
// has all rounds once.
#pragma once

namespace pitr::test {

constexpr unsigned Rounds(unsigned all) {
#ifdef PITR_SANITIZED
  return all / 5;
#else
  return all;
#endif
}

}  // namespace pitr::test
