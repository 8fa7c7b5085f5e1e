#include "core/backup/copy/pack_record.h"

namespace pitr {

void PackRecord::Begin(uint64_t database_bytes, const Clock& clock) {
  due_millis_ = clock.SteadyMillis() + after_millis_;
  database_bytes_ = database_bytes;
}

bool PackRecord::Due(const Clock& clock) const { return wanted_ && clock.SteadyMillis() >= due_millis_; }

PartialHeader PackRecord::Header(const Repository& repository) const {
  return {.level = static_cast<uint64_t>(repository.config().compression_level), .database_bytes = database_bytes_};
}

void PackRecord::Store(const Repository& repository, uint32_t number, const PartialMap& map, const OpContext& ctx) {
  const Status stored = WritePartialMap(repository, label_, number, map, ctx);
  if (stored.ok()) {
    packs_.fetch_add(1);
    bytes_.fetch_add(map.pack.size_bytes);
  } else if (stored.code() != Code::kCancelled && !warned_.exchange(true)) {
    repository.log().Warning("could not record what is stored of backup \"" + label_ +
                             "\", so that it could be resumed if it were interrupted: " + stored.ToString());
  }
}

}  // namespace pitr
