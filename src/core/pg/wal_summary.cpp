#include "core/pg/wal_summary.h"

#include <algorithm>
#include <cstdio>

#include "core/base/ascii.h"
#include "core/base/byte_reader.h"
#include "core/pg/crc32c.h"

namespace pitr {
namespace {

constexpr uint32_t kMagic = 0x652b137b;
constexpr size_t kCrcBytes = 4;
constexpr std::string_view kSuffix = ".summary";
constexpr size_t kDigits = 8;

// Eight upper-case hexadecimal digits.
std::optional<uint32_t> ParseDigits(std::string_view text) {
  uint32_t value = 0;
  for (char c : text) {
    const bool digit = IsDigit(c), letter = c >= 'A' && c <= 'F';
    if (!digit && !letter) return std::nullopt;
    value = value << 4 | static_cast<uint32_t>(digit ? c - '0' : c - 'A' + 10);
  }
  return value;
}

// One relation fork with its chunks. False at the terminating entry, and when the bytes do not fit (see in.ok()).
bool ReadEntry(ByteReader& in, BlockChanges* changes) {
  RelationFork fork;
  fork.relation.tablespace = in.U32();
  fork.relation.database = in.U32();
  fork.relation.number = in.U32();
  const uint32_t number_of_fork = in.U32();
  fork.fork = static_cast<Fork>(number_of_fork);
  const uint32_t limit = in.U32();
  const size_t chunks = in.Count(sizeof(uint16_t));
  if (!in.ok()) return false;
  if (fork.relation == RelationLocator{} && number_of_fork == 0 && limit == 0 && chunks == 0) return false;
  if (number_of_fork > static_cast<uint32_t>(Fork::kInit)) {
    in.Fail();
    return false;
  }
  if (fork.relation.number == 0) changes->AddDatabase(fork.relation.database, fork.relation.tablespace);
  if (limit != ForkChanges::kNoLimit) changes->LimitTo(fork, limit);
  ByteReader sizes(in.Take(chunks * sizeof(uint16_t)));
  BlockSet::Chunk chunk;
  for (size_t n = 0; n < chunks && in.ok(); n++) {
    const uint16_t size = sizes.U16();
    if (size == 0) continue;
    const ByteView words = in.Take(size_t{size} * sizeof(uint16_t));
    if (!in.ok()) return false;
    chunk.resize(size);
    std::memcpy(chunk.data(), words.data(), words.size());
    // The server does not sort the offsets of a chunk.
    if (size < BlockSet::kBitmapWords) {
      std::sort(chunk.begin(), chunk.end());
      chunk.erase(std::unique(chunk.begin(), chunk.end()), chunk.end());
    }
    const bool all_zero = std::all_of(chunk.begin(), chunk.end(), [](uint16_t word) { return word == 0; });
    if (size == BlockSet::kBitmapWords && all_zero) continue;
    if (n >= BlockSet::kChunkBlocks || size > BlockSet::kBitmapWords) in.Fail();
    if (in.ok() && HasKnownChanges(fork.fork)) changes->At(fork).blocks.AddChunk(static_cast<uint16_t>(n), chunk);
  }
  return in.ok();
}

}  // namespace

std::optional<WalSummaryName> ParseWalSummaryName(std::string_view name) {
  if (name.size() != 5 * kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  uint32_t fields[5];
  for (size_t i = 0; i < 5; i++) {
    const auto field = ParseDigits(name.substr(i * kDigits, kDigits));
    if (!field) return std::nullopt;
    fields[i] = *field;
  }
  const WalSummaryName parsed{
      {fields[0]}, {uint64_t{fields[1]} << 32 | fields[2]}, {uint64_t{fields[3]} << 32 | fields[4]}};
  if (!parsed.timeline.valid() || parsed.start >= parsed.end) return std::nullopt;
  return parsed;
}

std::string WalSummaryFileName(const WalSummaryName& name) {
  char text[64];
  snprintf(text, sizeof text, "%08X%08X%08X%08X%08X.summary", name.timeline.value,
           static_cast<uint32_t>(name.start.value >> 32), static_cast<uint32_t>(name.start.value),
           static_cast<uint32_t>(name.end.value >> 32), static_cast<uint32_t>(name.end.value));
  return text;
}

Status AddWalSummary(ByteView file, BlockChanges* changes) {
  Status damaged(Code::kCorruption, "WAL summary is damaged");
  if (file.size() < sizeof(uint32_t) + kCrcBytes) return damaged;
  const ByteView content = file.first(file.size() - kCrcBytes);
  if (ComputeCrc32c(content) != LoadLe<uint32_t>(file.data() + content.size())) return damaged;
  ByteReader in(content);
  if (in.U32() != kMagic) return damaged;
  while (ReadEntry(in, changes)) {}
  return in.AtEnd() ? Status::Ok() : damaged;
}

std::vector<WalSummaryName> CoverWithSummaries(std::span<const WalSummaryName> summaries, Timeline timeline, Lsn from,
                                               Lsn to, Lsn* missing_from) {
  std::vector<WalSummaryName> chosen;
  for (Lsn covered = from; covered < to;) {
    // Of those that go on from here, the one that reaches farthest.
    const WalSummaryName* best = nullptr;
    for (const WalSummaryName& summary : summaries)
      if (summary.timeline == timeline && summary.start <= covered && summary.end > covered &&
          (best == nullptr || summary.end > best->end))
        best = &summary;
    if (best == nullptr) {
      if (missing_from != nullptr) *missing_from = covered;
      return {};
    }
    chosen.push_back(*best);
    covered = best->end;
  }
  return chosen;
}

}  // namespace pitr
