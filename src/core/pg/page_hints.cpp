#include "core/pg/page_hints.h"

#include <algorithm>

#include "core/pg/page.h"

namespace pitr {
namespace {

constexpr size_t kChecksum = 8, kFlags = 10, kPruneXid = 20, kLinePointers = 24;
constexpr uint16_t kPageFull = 0x0002;  // cleared by a reader that finds nothing to prune
constexpr size_t kInfoMask = 20;        // t_infomask in HeapTupleHeaderData
constexpr uint16_t kXminBits = 0x0300, kXmaxBits = 0x0C00;
constexpr uint32_t kNormal = 1, kDead = 3;  // lp_flags

// ItemIdData: offset 15 bits, flags 2, length 15.
struct LinePointer {
  uint32_t word = 0;
  uint32_t offset() const { return word & 0x7FFF; }
  uint32_t flags() const { return word >> 15 & 3; }
  uint32_t length() const { return word >> 17; }
};

// Which bits of the special space are hints, by kind of index; the kinds are told apart as pg_filedump does, by the
// size of the special space and by the page identifier in its last two bytes.
struct SpecialHint {
  size_t offset = 0;  // in the page; 0: none
  uint16_t mask = 0;
};
SpecialHint HintOf(ByteView page, size_t special) {
  const size_t size = kPageSize - special;
  const auto id = LoadLe<uint16_t>(&page[kPageSize - 2]);
  if (size == 16 && id <= 0xFF7F) return {special + 12, 1 << 6};             // btree, a cycle ID: BTP_HAS_GARBAGE
  if (size == 16 && id == 0xFF80) return {special + 12, 1 << 7};             // hash: LH_PAGE_HAS_DEAD_TUPLES
  if (size == 16 && id == 0xFF81) return {special + 12, 1 << 4};             // GiST: F_HAS_GARBAGE
  if (size == 8 && id >= 0xF091 && id <= 0xF093) return {kPageSize - 4, 1};  // BRIN: BRIN_EVACUATE_PAGE
  return {};
}

bool IsSequence(ByteView page, size_t special) {
  return kPageSize - special == 8 && LoadLe<uint32_t>(&page[special]) == 0x1717;
}

void Mask16(Bytes& page, size_t at, uint16_t bits) {
  page[at] &= static_cast<uint8_t>(~bits);
  page[at + 1] &= static_cast<uint8_t>(~bits >> 8);
}

// Of two tuple headers: bits that one has and the other lacks are a hint, but not where both are set, which is frozen.
bool HintsAgree(uint16_t a, uint16_t b, uint16_t bits) {
  const uint16_t of_a = a & bits, of_b = b & bits;
  return of_a == of_b || ((of_a == 0 || of_b == 0) && of_a != bits && of_b != bits);
}

// Makes the hints of the tuples equal where they may differ.
bool MaskTuples(Bytes& a, Bytes& b, size_t lower, size_t special) {
  for (size_t at = kLinePointers; at + 4 <= lower; at += 4) {
    const LinePointer pointer{LoadLe<uint32_t>(&a[at])};
    if (pointer.flags() != kNormal || pointer.length() < kInfoMask + 2) continue;
    const size_t mask_at = pointer.offset() + kInfoMask;
    if (mask_at + 2 > special) return false;
    const auto of_a = LoadLe<uint16_t>(&a[mask_at]), of_b = LoadLe<uint16_t>(&b[mask_at]);
    if (!HintsAgree(of_a, of_b, kXminBits) || !HintsAgree(of_a, of_b, kXmaxBits)) return false;
    Mask16(a, mask_at, kXminBits | kXmaxBits);
    Mask16(b, mask_at, kXminBits | kXmaxBits);
  }
  return true;
}

// A line pointer of an index that one page knows to be dead.
void MaskDeadPointers(Bytes& a, Bytes& b, size_t lower) {
  for (size_t at = kLinePointers; at + 4 <= lower; at += 4) {
    const LinePointer of_a{LoadLe<uint32_t>(&a[at])}, of_b{LoadLe<uint32_t>(&b[at])};
    const bool hint =
        (of_a.flags() == kNormal && of_b.flags() == kDead) || (of_a.flags() == kDead && of_b.flags() == kNormal);
    if (hint && of_a.offset() == of_b.offset() && of_a.length() == of_b.length())
      std::copy_n(b.begin() + static_cast<ptrdiff_t>(at), 4, a.begin() + static_cast<ptrdiff_t>(at));
  }
}

}  // namespace

bool DifferInHintsOnly(ByteView a, ByteView b) {
  const PageHeader header = ReadPageHeader(a), other = ReadPageHeader(b);
  if (header.lower != other.lower || header.special != other.special) return false;
  Bytes left(a.begin(), a.end()), right(b.begin(), b.end());
  for (Bytes* page : {&left, &right}) {
    std::fill_n(page->begin() + kChecksum, 2, 0);
    std::fill_n(page->begin() + kPruneXid, 4, 0);
    Mask16(*page, kFlags, kPageFull);
  }
  if (header.special == kPageSize || IsSequence(a, header.special)) {
    if (!MaskTuples(left, right, header.lower, header.special)) return false;
  } else {
    const SpecialHint hint = HintOf(a, header.special);
    if (hint.offset != 0) {
      Mask16(left, hint.offset, hint.mask);
      Mask16(right, hint.offset, hint.mask);
    }
    MaskDeadPointers(left, right, header.lower);
  }
  return left == right;
}

}  // namespace pitr
