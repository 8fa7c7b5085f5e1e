// Anything as a key, as a listing of a store may have it: each parser takes what its writer writes, and nothing else.
#include <cstdlib>

#include "core/base/bytes.h"
#include "core/repo/layout.h"
#include "core/store/object_store.h"
#include "fuzz/target.h"

PITR_FUZZ_TARGET(keys)(const uint8_t* data, size_t size) {
  using namespace pitr;
  using namespace pitr::layout;
  const std::string key(AsText({data, size}));
  const auto must = [&](const std::string& again) {
    if (again != key || !CheckKey(key).ok()) abort();
  };
  if (const auto name = SegmentOfChangeMapKey(key)) must(ChangeMapKey(*name));
  if (const auto name = WalNameOfKey(key); name && !ParsePartialSegmentKey(key)) must(WalKey(*name));
  if (const auto parts = ParsePartialSegmentKey(key)) must(PartialSegmentKey(parts->segment, parts->end_offset));
  if (const auto parts = ParseBackupKey(key)) must(BackupKey(parts->label, parts->object));
  if (const auto parts = ParsePinKey(key)) must(PinKey(parts->label, parts->slot));
  if (const auto parts = ParseHoldKey(key)) must(HoldKey(parts->label, parts->slot));
  if (const auto parts = ParsePartialKey(key)) must(PartialKey(parts->label, parts->pack));
  if (const auto parts = ParseTimelineAsideKey(key)) must(TimelineAsideKey(*parts));
  if (const auto parts = ParseKeySlotKey(key)) must(KeySlotKey(parts->key_number, parts->slot));
  if (const auto parts = ParseVerifyKey(key)) must(VerifyKey(*parts));
  if (const auto parts = ParseNumberKey(key)) must(NumberKey(*parts));
  if (const auto group = ParseSealKey(key)) must(SealKey(*group));
  if (const auto parts = ParseFailureKey(key)) must(FailureKey(*parts));
  if (const auto parts = ParseMapPageKey(key)) must(MapPageKey(parts->label, parts->number));
  if (const auto label = LabelOfPackKey(key); label && !CheckKey(key).ok()) abort();
  if (const auto label = LabelOf(key); label && IsValidLabel(*label) && label->find('/') != std::string_view::npos)
    abort();
  (void)PrefixOf(key);
  return 0;
}
