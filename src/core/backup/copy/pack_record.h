// What a running full backup records of its complete packs, so that the next one can take them over if it is
// interrupted (docs/design/006-resume.md). Shared by the copying threads; any thread.
#pragma once
#include <atomic>
#include <cstdint>
#include <string>

#include "core/base/op_context.h"
#include "core/repo/maps/partial_map.h"

namespace pitr {

// A pack that has been open for so long is closed, so that no more than that is lost with it.
inline constexpr int64_t kMaxPackOpenMillis = 30000;
// A pack with so many pieces is closed, so that its record takes some megabytes at the most, whatever the files' size.
inline constexpr size_t kMaxRecordedExtents = 8192;
// What is stored in the first seconds is not recorded: it is as soon stored again.
inline constexpr int64_t kRecordAfterMillis = 5000;

class PackRecord {
 public:
  PackRecord(std::string label, bool wanted, int64_t after_millis)
      : label_(std::move(label)), wanted_(wanted), after_millis_(after_millis) {}

  bool wanted() const { return wanted_; }
  // Copying begins. Before the threads are started.
  void Begin(uint64_t database_bytes, const Clock& clock);
  // Whether a pack that is complete now is to be recorded.
  bool Due(const Clock& clock) const;
  // The maps' header but for the pack's size.
  PartialHeader Header(const Repository& repository) const;
  // Stores the map of pack `number`. A failure is a warning in the log, the first time, and costs no more than having
  // to send the pack again.
  void Store(const Repository& repository, uint32_t number, const PartialMap& map, const OpContext& ctx);

  uint64_t packs() const { return packs_.load(); }
  uint64_t bytes() const { return bytes_.load(); }  // of those packs, as stored

 private:
  const std::string label_;
  const bool wanted_;
  const int64_t after_millis_;
  int64_t due_millis_ = 0;  // by the steady clock
  uint64_t database_bytes_ = 0;
  std::atomic<uint64_t> packs_{0};
  std::atomic<uint64_t> bytes_{0};
  std::atomic<bool> warned_{false};
};

}  // namespace pitr
