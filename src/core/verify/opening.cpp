#include "core/verify/opening.h"

#include "core/config/store_config.h"
#include "core/repo/layout.h"
#include "core/repo/marker.h"
#include "core/repo/opening/keyring.h"
#include "core/repo/opening/open_repository.h"
#include "core/repo/opening/stored_identity.h"
#include "core/store/absence.h"

namespace pitr {
namespace {

constexpr char kAllHurt[] = "Nothing in the repository can be restored without it.";

// Of the marker and the key slots, which a kit holds.
std::string PutBack(const char* what) {
  return HowToWriteAgain(what) + " Or put it back from a copy of the repository.";
}

Result<bool> CheckMarker(ObjectStore& store, FindingList& findings, RepositoryMarker& marker, const OpContext& ctx) {
  auto read = ReadMarker(store, ctx);
  if (read.ok()) {
    marker = std::move(read).value();
    return true;
  }
  Finding finding;
  finding.object = layout::kMarkerKey;
  finding.hurts = kAllHurt;
  finding.hint = PutBack("it");
  if (read.code() == Code::kCorruption) {
    finding.problem = "corrupt";
    finding.detail = read.status().message() + ".";
  } else if (read.code() == Code::kNotFound) {
    PITR_ASSIGN(const std::string held, FirstObjectOfData(store, ctx));
    if (held.empty()) return read.status();
    if (Status absent = ConfirmAbsent(store, std::string(layout::kMarkerKey), ctx); absent.code() != Code::kNotFound)
      return absent;
    finding.problem = "missing";
    finding.detail = "The object that says whose repository this is does not exist, though its backups or WAL do.";
  } else {
    return read.status();
  }
  findings.Add(std::move(finding));
  return false;
}

Result<bool> CheckKeySlots(ObjectStore& store, const RepositoryMarker& marker, FindingList& findings,
                           const OpContext& ctx) {
  PITR_ASSIGN(const Keyring keyring, ReadKeyring(store, marker.repository_id, ctx));
  for (const DamagedKeySlot& slot : keyring.damaged) {
    PITR_ASSIGN(Finding finding, FindingOf(store, slot.object_key, slot.status, ctx));
    finding.hurts = keyring.slots.empty() ? kAllHurt : "The passphrase of this slot does not open the repository.";
    finding.hint = keyring.slots.empty()
                       ? "Delete the object, if it is damaged for good. " + PutBack("it")
                       : "Put the object back from a copy, or delete it and add its passphrase with pg_pitr key add.";
    findings.Add(std::move(finding));
  }
  if (!keyring.slots.empty()) return true;
  if (!keyring.damaged.empty()) return false;
  Finding finding;
  finding.problem = "missing";
  finding.object = layout::kKeyringPrefix;
  finding.detail = "The repository is encrypted and has no key slot.";
  finding.hurts = kAllHurt;
  finding.hint = PutBack("it");
  findings.Add(std::move(finding));
  return false;
}

}  // namespace

Result<bool> CheckOpening(ObjectStore& store, FindingList& findings, const OpContext& ctx) {
  RepositoryMarker marker;
  PITR_ASSIGN(const bool marked, CheckMarker(store, findings, marker, ctx));
  if (!marked || !marker.encrypted) return marked;
  return CheckKeySlots(store, marker, findings, ctx);
}

Result<std::unique_ptr<Repository>> OpenToVerify(const Config& config, FindingList& findings, Log& log,
                                                 const OpContext& ctx) {
  PITR_ASSIGN(const StoreConfig settings, MakeStoreConfig(config));
  PITR_ASSIGN(const std::unique_ptr<ObjectStore> store, OpenStore(settings, log));
  PITR_ASSIGN(const bool openable, CheckOpening(*store, findings, ctx));
  if (!openable) return std::unique_ptr<Repository>();
  return OpenRepository(config, log, ctx);
}

}  // namespace pitr
