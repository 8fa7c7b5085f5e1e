#include "core/pg/page_hints.h"

#include <gtest/gtest.h>

#include "core/pg/page.h"

namespace pitr {
namespace {

class PageHints : public testing::Test {
 protected:
  // A page with two tuples (of 32 bytes), or two index entries with `special` bytes behind them.
  static Bytes Page(size_t special = 0, uint16_t last_word = 0) {
    Bytes page(kPageSize, 0);
    const size_t end = kPageSize - special;
    Set16(page, 12, 32);
    Set16(page, 14, static_cast<uint16_t>(end - 64));
    Set16(page, 16, static_cast<uint16_t>(end));
    Set16(page, 18, kPageSize | 4);
    Pointer(page, 0, end - 32, 1);
    Pointer(page, 1, end - 64, 1);
    if (special != 0) Set16(page, kPageSize - 2, last_word);
    return page;
  }
  static void Set16(Bytes& page, size_t at, uint16_t value) { std::memcpy(&page[at], &value, 2); }
  static void Pointer(Bytes& page, size_t index, size_t offset, uint32_t flags) {
    const uint32_t word = static_cast<uint32_t>(offset) | flags << 15 | 32U << 17;
    std::memcpy(&page[24 + 4 * index], &word, 4);
  }
  static void InfoMask(Bytes& page, size_t index, uint16_t value) {
    Set16(page, kPageSize - 32 * (index + 1) + 20, value);
  }

  const Bytes heap_ = Page();
  Bytes changed_ = heap_;
};

TEST_F(PageHints, WhatEveryPageMayDifferIn) {
  EXPECT_TRUE(DifferInHintsOnly(heap_, heap_));
  Set16(changed_, 8, 0x1234);   // checksum
  Set16(changed_, 20, 0x4321);  // pd_prune_xid
  Set16(changed_, 10, 0x0002);  // PD_PAGE_FULL
  EXPECT_TRUE(DifferInHintsOnly(heap_, changed_));
}

TEST_F(PageHints, FlagsThatOtherThingsRelyOnAreNoHints) {
  for (const uint16_t flag : {0x0001, 0x0004}) {
    Set16(changed_, 10, flag);
    EXPECT_FALSE(DifferInHintsOnly(heap_, changed_)) << flag;
  }
}

TEST_F(PageHints, ATupleMayLearnOfItsTransactions) {
  for (const uint16_t bit : {0x0100, 0x0200, 0x0400, 0x0800}) {
    InfoMask(changed_, 1, bit);
    EXPECT_TRUE(DifferInHintsOnly(heap_, changed_)) << bit;
    EXPECT_TRUE(DifferInHintsOnly(changed_, heap_)) << bit;
  }
  Bytes frozen = heap_, committed = heap_, aborted = heap_;
  InfoMask(frozen, 0, 0x0300);
  InfoMask(committed, 0, 0x0100);
  InfoMask(aborted, 0, 0x0200);
  EXPECT_FALSE(DifferInHintsOnly(heap_, frozen)) << "freezing is logged";
  EXPECT_FALSE(DifferInHintsOnly(committed, frozen));
  EXPECT_FALSE(DifferInHintsOnly(committed, aborted)) << "no hint turns into its contrary";
  InfoMask(changed_ = heap_, 0, 0x0010);
  EXPECT_FALSE(DifferInHintsOnly(heap_, changed_));
  changed_ = heap_;
  changed_[kPageSize - 1] = 1;
  EXPECT_FALSE(DifferInHintsOnly(heap_, changed_)) << "data is data";
}

TEST_F(PageHints, LinePointersOfTheHeapAreLogged) {
  Pointer(changed_, 0, kPageSize - 32, 3);
  EXPECT_FALSE(DifferInHintsOnly(heap_, changed_));
}

TEST_F(PageHints, AnIndexMayKnowDeadEntries) {
  const Bytes btree = Page(16);
  Bytes killed = btree;
  Pointer(killed, 0, kPageSize - 48, 3);
  Set16(killed, kPageSize - 4, 1 << 6);
  EXPECT_TRUE(DifferInHintsOnly(btree, killed));
  EXPECT_TRUE(DifferInHintsOnly(killed, btree));
  Pointer(killed, 0, kPageSize - 47, 3);
  EXPECT_FALSE(DifferInHintsOnly(btree, killed)) << "an entry that lies elsewhere";
  Pointer(killed, 0, kPageSize - 48, 2);
  EXPECT_FALSE(DifferInHintsOnly(btree, killed)) << "a redirection";
  killed = btree;
  Set16(killed, kPageSize - 4, 1 << 2);
  EXPECT_FALSE(DifferInHintsOnly(btree, killed)) << "a half-dead page";
  Bytes hash = Page(16, 0xFF80), gist = Page(16, 0xFF81);
  const Bytes hash_before = hash, gist_before = gist;
  Set16(hash, kPageSize - 4, 1 << 7);
  Set16(gist, kPageSize - 4, 1 << 4);
  EXPECT_TRUE(DifferInHintsOnly(hash_before, hash));
  EXPECT_TRUE(DifferInHintsOnly(gist_before, gist));
  Set16(gist, kPageSize - 4, 1 << 7);
  EXPECT_FALSE(DifferInHintsOnly(gist_before, gist));
}

TEST_F(PageHints, PagesThatMakeNoSenseAreCompared) {
  Bytes wild = heap_;
  Pointer(wild, 0, kPageSize - 8, 1);  // a tuple beyond the page
  Bytes other = wild;
  other[100] = 1;
  EXPECT_FALSE(DifferInHintsOnly(wild, other));
  Set16(changed_, 12, 36);
  EXPECT_FALSE(DifferInHintsOnly(heap_, changed_));
}

}  // namespace
}  // namespace pitr
