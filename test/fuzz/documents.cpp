// JSON documents of a repository that are read without opening one: what is accepted survives another round.
#include <cstdlib>
#include <string>

#include "core/base/bytes.h"
#include "core/base/json.h"
#include "core/repo/backups/backup_failure.h"
#include "core/repo/envelope/json_scan.h"
#include "core/repo/marker.h"
#include "core/repo/opening/key_slot.h"
#include "core/repo/opening/recovery_kit.h"
#include "core/verify/record.h"
#include "fuzz/target.h"

PITR_FUZZ_TARGET(marker)(const uint8_t* data, size_t size) {
  using namespace pitr;
  const auto first = DecodeMarker(AsText({data, size}));
  if (!first.ok()) return 0;
  const std::string text = EncodeMarker(first.value());
  const auto second = DecodeMarker(text);
  if (!second.ok() || EncodeMarker(second.value()) != text) abort();
  return 0;
}

PITR_FUZZ_TARGET(key_slot)(const uint8_t* data, size_t size) {
  using namespace pitr;
  const std::string key = "keys/00000001.89abcdef";
  const auto first = DecodeKeySlot(AsText({data, size}), key);
  if (!first.ok()) return 0;
  const std::string text = EncodeKeySlot(first.value());
  const auto second = DecodeKeySlot(text, key);
  if (!second.ok() || EncodeKeySlot(second.value()) != text || second.value().object_key() != key) abort();
  // A slot that asks for more memory or time than a slot may is refused before it gets any.
  const ScryptCost& cost = first.value().cost;
  RepositoryKey opened;
  if (cost.n * cost.r * cost.p <= 4096 || cost.n * cost.r / cost.n != cost.r || cost.n * cost.r > (uint64_t{1} << 30))
    if (UnwrapKey(first.value(), "not the passphrase", opened).ok()) abort();
  return 0;
}

PITR_FUZZ_TARGET(recovery_kit)(const uint8_t* data, size_t size) {
  (void)pitr::ParseRecoveryKit(pitr::AsText({data, size}));
  return 0;
}

PITR_FUZZ_TARGET(backup_failure)(const uint8_t* data, size_t size) {
  using namespace pitr;
  const auto first = DecodeFailure(AsText({data, size}));
  if (!first.ok()) return 0;
  const std::string text = EncodeFailure(first.value());
  const auto second = DecodeFailure(text);
  if (!second.ok() || !(second.value() == first.value()) || EncodeFailure(second.value()) != text) abort();
  (void)DescribeFailure(first.value());
  return 0;
}

PITR_FUZZ_TARGET(verify_record)(const uint8_t* data, size_t size) {
  using namespace pitr;
  const auto first = DecodeRecord(AsText({data, size}));
  if (!first.ok()) return 0;
  const std::string text = EncodeRecord(first.value());
  const auto second = DecodeRecord(text);
  if (!second.ok() || EncodeRecord(second.value()) != text) abort();
  return 0;
}

// The two readers agree on what JSON is.
PITR_FUZZ_TARGET(json)(const uint8_t* data, size_t size) {
  using namespace pitr;
  const std::string_view text = AsText({data, size});
  const auto parsed = ParseJson(text);
  if (parsed.ok()) {
    const std::string again = JsonText(parsed.value());
    const auto twice = ParseJson(again);
    if (!twice.ok() || JsonText(twice.value()) != again) abort();
  }
  JsonScanner scanner(text);
  const bool scanned = scanner.Skip() && scanner.AtEnd();
  if (parsed.ok() && !scanned) abort();
  JsonScanner string(text);
  std::string out;
  if (string.String(out) && string.AtEnd()) {
    if (!IsUtf8(out)) abort();
    std::string written;
    AppendJsonString(out, written);
    JsonScanner reader(written);
    std::string back;
    if (!reader.String(back) || !reader.AtEnd() || back != out) abort();
  }
  JsonScanner number(text);
  uint64_t value = 0;
  if (number.Unsigned(value) && number.AtEnd() && parsed.ok() && parsed.value() != value) abort();
  return 0;
}
