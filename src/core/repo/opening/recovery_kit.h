// The marker and the key slots of a repository, kept outside of it, as a small text file: they are all that cannot be
// made again when only they are lost (a lifecycle rule, a wrong deletion). The archiver keeps one in the data
// directory, `pg_pitr key export` writes one for a safe. It holds nothing that the store does not show to whoever may
// read it: key slots are wrapped by their passphrases.
//
// Lines: "# " remarks; "repository <URL>"; "repository_id <id>"; "object <key> <bytes in hexadecimal>" for each; "end".
// Any thread.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/repo/marker.h"
#include "core/repo/opening/keyring.h"
#include "core/store/object_store.h"

namespace pitr {

// No marker and no key slot is larger.
inline constexpr size_t kMaxKitObjectBytes = 65536;

struct RecoveryKit {
  std::string url;
  RepositoryMarker marker;
  Keyring keyring;  // the key slots
  // Object keys and objects as stored, the key slots first.
  std::vector<std::pair<std::string, Bytes>> objects;
};

// From the store. kNotFound without a marker; kCorruption when an encrypted repository has no readable slot.
Result<RecoveryKit> ReadRecoveryKit(ObjectStore& store, const OpContext& ctx);

std::string FormatRecoveryKit(const RecoveryKit& kit);
// kInvalidArgument: not one, incomplete, damaged.
Result<RecoveryKit> ParseRecoveryKit(std::string_view text);

// Writes the file durably, mode 0600, in place of what is there.
Status WriteRecoveryKit(const std::string& path, const RecoveryKit& kit);
Result<RecoveryKit> ReadRecoveryKitFile(const std::string& path);

// Creates what is missing in `store`; nothing is replaced. Before anything is written the kit is compared with what the
// store holds (stored_identity.h), for which the passphrase of an encrypted repository is needed, and with marker and
// slots that are there. Result: the keys that were created. kConflict: the kit is not of what is there, or nothing is
// there that it could be compared with; kInvalidArgument: the passphrase is missing, not the kit's, or set for a kit
// without encryption. After these nothing was written. Errors of the store while it is written leave what was written,
// which is right: repeating completes it.
Result<std::vector<std::string>> ImportRecoveryKit(ObjectStore& store, const RecoveryKit& kit,
                                                   const std::string& passphrase_file, const OpContext& ctx);

}  // namespace pitr
