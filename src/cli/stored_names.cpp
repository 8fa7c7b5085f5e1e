// StoredNamesSoon of completion.h.
#include <memory>
#include <mutex>
#include <set>

#include "cli/completion.h"
#include "cli/leavable_call.h"
#include "cli/settings_path.h"
#include "core/repo/archive/wal_catalog.h"
#include "core/repo/layout.h"
#include "core/repo/opening/open_repository.h"
#include "core/repo/repository.h"
#include "core/restore/wal_scan.h"

namespace pitr::cli {
namespace {

// With the time that a call is left to end in, and to start the program, about a second.
constexpr int64_t kPatienceMillis = 500;

// Outlives the thread that fills it, or is left behind with it.
struct FoundNames {
  std::mutex mutex;
  std::vector<std::string> names;
  void Add(const std::string& name) {
    if (name.find_first_of("\t\r\n") != std::string::npos) return;
    const std::lock_guard lock(mutex);
    names.push_back(name);
  }
};

// Labels of what has a manifest.
Status FindBackups(const Repository& repository, FoundNames& found, const OpContext& ctx) {
  return ListAll(repository.store(), std::string(layout::kBackupPrefix), ctx, [&](const ObjectInfo& object) {
    const auto parts = layout::ParseBackupKey(object.key);
    if (parts && parts->object == layout::BackupObject::kManifest) found.Add(parts->label);
    return Status::Ok();
  });
}

// From the newest segment backwards, as far as the time goes.
Status FindRestorePoints(const Repository& repository, FoundNames& found, const OpContext& ctx) {
  PITR_ASSIGN(const WalCatalog catalog, WalCatalog::Load(repository, ctx));
  const auto newest = WalPath::NewestTimeline(catalog);
  if (!newest) return Status::Ok();
  PITR_ASSIGN(const WalPath path, WalPath::Make(catalog, *newest, repository.segment_size()));
  WalScanner scanner(repository, path, ctx);
  std::set<std::string> known;
  const auto& ranges = catalog.timelines().at(*newest).ranges;
  if (ranges.empty()) return Status::Ok();
  for (uint64_t segment = ranges.back().last.value;; segment--) {
    PITR_ASSIGN(const auto* marks, scanner.Marks(SegmentNo{segment}));
    for (const WalMark& mark : *marks)
      if (mark.kind == WalMark::Kind::kRestorePoint && known.insert(mark.name).second) found.Add(mark.name);
    if (segment == 0) return Status::Ok();
  }
}

}  // namespace

std::vector<std::string> StoredNamesSoon(StoredName what, const std::string& config) {
  const auto found = std::make_shared<FoundNames>();
  const OpContext limit = OpContext::WithTimeout(kPatienceMillis);
  const std::string path = ConfigPath(config);
  // How it ended does not matter: what was found until then is offered.
  (void)CallWhile(
      [found, limit, path, what](const CancelToken& cancel) -> Status {
        OpContext ctx = limit;
        ctx.cancel = &cancel;
        PITR_ASSIGN(const Config settings, LoadConfig(path, SettingsFor::kReading, NullLog()));
        PITR_ASSIGN(const auto repository, OpenRepository(settings, NullLog(), ctx));
        return what == StoredName::kBackup ? FindBackups(*repository, *found, ctx)
                                           : FindRestorePoints(*repository, *found, ctx);
      },
      [limit] { return limit.Check(); });
  const std::lock_guard lock(found->mutex);
  return found->names;
}

}  // namespace pitr::cli
