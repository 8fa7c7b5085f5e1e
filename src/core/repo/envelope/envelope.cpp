#include "core/repo/envelope/envelope.h"

#include "core/base/kdf.h"

namespace pitr {

RepositoryKey::~RepositoryKey() { Wipe(secret); }

std::string_view ObjectKindName(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kMarker:
      return "marker";
    case ObjectKind::kKeySlot:
      return "key slot";
    case ObjectKind::kWal:
      return "WAL object";
    case ObjectKind::kManifest:
      return "manifest";
    case ObjectKind::kFileMap:
      return "file map";
    case ObjectKind::kMapPage:
      return "page of a file map";
    case ObjectKind::kPack:
      return "pack";
    case ObjectKind::kBackupStart:
      return "backup start object";
    case ObjectKind::kBackupPin:
      return "pin";
    case ObjectKind::kExpireMark:
      return "expire mark";
    case ObjectKind::kProof:
      return "proof";
    case ObjectKind::kChangeMap:
      return "change map";
    case ObjectKind::kPartialMap:
      return "partial map";
    case ObjectKind::kRestoreHold:
      return "restore hold";
    case ObjectKind::kAloneMark:
      return "mark of a backup kept alone";
    case ObjectKind::kTimelineNumber:
      return "number of a timeline";
    case ObjectKind::kTimelineAside:
      return "timeline mark";
    case ObjectKind::kPartialSegment:
      return "partial segment";
    case ObjectKind::kBackupFailure:
      return "record of a failed backup";
    case ObjectKind::kWalSeal:
      return "seal";
  }
  return "object of an unknown kind";
}

}  // namespace pitr
