// Anything as a page of a relation: its verdict, and what two pages that differ in it have in common.
#include "core/pg/page.h"

#include <algorithm>
#include <cstdlib>

#include "core/base/bytes.h"
#include "core/pg/page_hints.h"
#include "fuzz/target.h"

PITR_FUZZ_TARGET(pages)(const uint8_t* data, size_t size) {
  using namespace pitr;
  Bytes a(kPageSize, 0);
  const size_t half = std::min(size, kPageSize) / 2;
  // Where a page has its header and line pointers, and at its end.
  std::copy_n(data, half, a.begin());
  std::copy_n(data + half, half, a.end() - static_cast<ptrdiff_t>(half));
  const PageHeader header = ReadPageHeader(a);
  (void)VerifyPageHeader(a);
  StoreLe<uint16_t>(&a[8], ComputePageChecksum(a, 7));
  const PageVerdict verdict = VerifyPage(a, 7);
  if (verdict == PageVerdict::kOk && !header.IsNew() && !header.IsSane()) abort();
  if (!header.IsSane()) return 0;
  Bytes b = a;
  if (size > 2) {
    b[LoadLe<uint16_t>(data) % kPageSize] ^= data[2];
    // Bounds are no hints, nor are the flags but for "page is full": they say what the visibility map may be trusted
    // in.
    const PageHeader other = ReadPageHeader(b);
    if (!other.IsSane()) return 0;
    const bool same = DifferInHintsOnly(a, b);
    if (same && (header.lower != other.lower || ((header.flags ^ other.flags) & ~0x0002) != 0)) abort();
    if (same != DifferInHintsOnly(b, a)) abort();
  }
  return 0;
}
