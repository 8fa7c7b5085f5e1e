// Objects of a repository whose frame is right and whose content is anything: what somebody who has the passphrase, or
// the bucket of a repository that is not encrypted, can have written. The first byte says which object it is. Whatever
// looks at a whole repository looks at it then.
#include <cstdlib>
#include <memory>
#include <string>

#include "core/backup/plan/parent_choice.h"
#include "core/base/log.h"
#include "core/expire/expire.h"
#include "core/expire/inventory.h"
#include "core/repo/archive/change_map.h"
#include "core/repo/backups/backup_failure.h"
#include "core/repo/backups/backup_pin.h"
#include "core/repo/backups/expire_mark.h"
#include "core/repo/backups/restore_hold.h"
#include "core/repo/layout.h"
#include "core/repo/maps/file_map_parser.h"
#include "core/repo/maps/partial_map.h"
#include "core/repo/repository.h"
#include "core/repo/timelines/timeline_aside.h"
#include "core/restore/planner.h"
#include "core/verify/record.h"
#include "fuzz/fuzzed_repository.h"
#include "fuzz/target.h"

namespace {

using namespace pitr;

const std::string kLabel = "20260522-090014F";

struct StoredObject {
  ObjectKind kind;
  std::string key;
};

const StoredObject& Chosen(uint8_t byte) {
  static const StoredObject objects[] = {
      {ObjectKind::kManifest, layout::BackupKey(kLabel, layout::BackupObject::kManifest)},
      {ObjectKind::kBackupStart, layout::BackupKey(kLabel, layout::BackupObject::kStart)},
      {ObjectKind::kFileMap, layout::BackupKey(kLabel, layout::BackupObject::kFiles)},
      {ObjectKind::kExpireMark, layout::BackupKey(kLabel, layout::BackupObject::kExpireMark)},
      {ObjectKind::kAloneMark, layout::BackupKey(kLabel, layout::BackupObject::kAloneMark)},
      {ObjectKind::kBackupPin, layout::PinKey(kLabel, 7)},
      {ObjectKind::kRestoreHold, layout::HoldKey(kLabel, 7)},
      {ObjectKind::kPartialMap, layout::PartialKey(kLabel, 1)},
      {ObjectKind::kTimelineAside, layout::TimelineAsideKey({Timeline{2}, 1})},
      {ObjectKind::kChangeMap, layout::ChangeMapKey("000000010000000000000003")},
      {ObjectKind::kProof, layout::VerifyKey({1, 0})},
      {ObjectKind::kBackupFailure, layout::FailureKey(1779460000000001)},
      {ObjectKind::kWal, layout::WalKey("00000002.history")},
      {ObjectKind::kWal, layout::WalKey("000000010000000000000003")},
      {ObjectKind::kMapPage, layout::MapPageKey(kLabel, 1)},
      {ObjectKind::kWalSeal, layout::SealKey({Timeline{1}, 0})},
  };
  return objects[byte % std::size(objects)];
}

void LookAtAll(const Repository& repository) {
  const OpContext ctx;
  (void)ReadManifest(repository, kLabel, ctx);
  BackupManifest of_map;
  of_map.label = kLabel;
  (void)ReadFileMap(repository, of_map, ctx);
  MapPage page;
  page.label = kLabel;
  page.number = 1;
  page.packs = {0};
  (void)StreamMapPage(repository, {{layout::PackKey(kLabel, 1), 10068}}, page, {}, ctx);
  (void)ReadPartialMap(repository, kLabel, 1, ctx);
  (void)ReadPin(repository, kLabel, 7, ctx);
  (void)ReadHold(repository, kLabel, 7, 1, ctx);
  (void)ReadMark(repository, kLabel, layout::BackupObject::kExpireMark, ctx);
  (void)ReadMark(repository, kLabel, layout::BackupObject::kAloneMark, ctx);
  (void)LoadTimelineAsides(repository, ctx);
  (void)LoadChangeMap(repository, "000000010000000000000003", ctx);
  (void)LoadVerifyRecords(repository, ctx);
  (void)LoadBackupFailures(repository, ctx);
  (void)BackupCatalog::Load(repository, ctx);
  if (const auto inventory = Inventory::Load(repository, ctx); inventory.ok()) (void)inventory.value().Facts(1);
  (void)MakeRestorePlan(repository, {}, ctx);
}

}  // namespace

PITR_FUZZ_TARGET(stored_objects)(const uint8_t* data, size_t size) {
  static fuzz::FuzzedRepository fuzzed;
  if (size < 1) return 0;
  const StoredObject& object = Chosen(data[0]);
  if (!fuzzed.repository->CreateObject(object.kind, object.key, {data + 1, size - 1}, OpContext()).ok()) abort();
  LookAtAll(*fuzzed.repository);
  if (!fuzzed.memory->Delete({object.key}, OpContext()).ok()) abort();
  return 0;
}
