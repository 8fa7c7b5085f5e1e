// Key slots that the unit tests make are cheap to open: theirs were more than half of the tests' processor time. That a
// server's own slots cost what they should is tested with a server (test/t/044_repository_lost.pl).
#include "core/repo/opening/key_slot.h"

namespace pitr {
namespace {

const bool kCheap = [] {
  SetCostOfNewSlots({.n = 16, .r = 1, .p = 1});
  return true;
}();

}  // namespace
}  // namespace pitr
