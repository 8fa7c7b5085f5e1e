#include "core/repo/opening/recovery_kit.h"

#include <cerrno>
#include <fstream>
#include <sstream>

#include "core/repo/envelope/object_codec.h"
#include "core/repo/layout.h"
#include "core/repo/marker.h"
#include "core/repo/opening/key_slot.h"
#include "core/repo/opening/open_repository.h"
#include "core/repo/repository.h"
#include "core/store/durable_file.h"
#include "core/store/file_error.h"

namespace pitr {
namespace {

constexpr size_t kMaxKitBytes = size_t{4} << 20;

Status NotAKit(const std::string& why) {
  return Status(Code::kInvalidArgument, "this is not a complete recovery kit: " + why)
      .WithHint("Give an exported kit, or pg_pitr.kit of the server's data directory.");
}

// What the object must be, by its key.
Status TakeKitObject(const std::string& key, ByteView stored, RecoveryKit& kit) {
  if (key == layout::kMarkerKey) {
    PITR_ASSIGN(const Bytes json, DecodeObject(ObjectKind::kMarker, key, stored, nullptr, kMaxKitObjectBytes));
    PITR_ASSIGN(kit.marker, DecodeMarker(AsText(json)));
    return Status::Ok();
  }
  if (!layout::ParseKeySlotKey(key)) return NotAKit("\"" + key + "\" is neither the marker nor a key slot");
  PITR_ASSIGN(const Bytes json, DecodeObject(ObjectKind::kKeySlot, key, stored, nullptr, kMaxKitObjectBytes));
  PITR_ASSIGN(const KeySlot slot, DecodeKeySlot(AsText(json), key));
  if (slot.repository_id != kit.marker.repository_id) return NotAKit("\"" + key + "\" is of another repository");
  kit.keyring.slots.push_back(slot);
  return Status::Ok();
}

}  // namespace

Result<RecoveryKit> ReadRecoveryKit(ObjectStore& store, const OpContext& ctx) {
  RecoveryKit kit;
  kit.url = store.Describe();
  PITR_ASSIGN(kit.marker, ReadMarker(store, ctx));
  if (kit.marker.encrypted) {
    PITR_ASSIGN(const Keyring keyring, ReadKeyring(store, kit.marker.repository_id, ctx));
    if (keyring.slots.empty())
      return Status(Code::kCorruption, "the key slots of repository " + kit.url + " are gone or cannot be read")
          .WithHint(HowToWriteAgain("them"));
    for (const KeySlot& slot : keyring.slots) {
      kit.keyring.slots.push_back(slot);
      PITR_ASSIGN(Bytes stored, GetAll(store, slot.object_key(), kMaxKitObjectBytes, ctx));
      kit.objects.emplace_back(slot.object_key(), std::move(stored));
    }
  }
  const std::string key(layout::kMarkerKey);
  PITR_ASSIGN(Bytes stored, GetAll(store, key, kMaxKitObjectBytes, ctx));
  kit.objects.emplace_back(key, std::move(stored));
  return kit;
}

std::string FormatRecoveryKit(const RecoveryKit& kit) {
  std::string text =
      "# pg_pitr recovery kit: marker and key slots of a repository. It opens nothing without a passphrase.\n"
      "# Write back what is missing of them: pg_pitr key import FILE\n";
  text += "repository " + kit.url + "\nrepository_id " + kit.marker.repository_id + "\n";
  for (const auto& [key, stored] : kit.objects) text += "object " + key + " " + ToHex(stored) + "\n";
  return text + "end\n";
}

Result<RecoveryKit> ParseRecoveryKit(std::string_view text) {
  if (text.size() > kMaxKitBytes) return NotAKit("it is too large");
  RecoveryKit kit;
  std::string id;
  bool ended = false;
  std::istringstream in{std::string(text)};
  for (std::string line; !ended && std::getline(in, line);) {
    std::istringstream words(line);
    std::string word, first, second;
    words >> word >> first >> second;
    if (word.empty() || word.starts_with("#")) continue;
    if (word == "end") {
      ended = true;
    } else if (word == "repository") {
      kit.url = first;
    } else if (word == "repository_id") {
      id = first;
    } else if (word == "object") {
      std::optional<Bytes> stored = FromHex(second);
      if (!stored || !CheckKey(first).ok()) return NotAKit("the line of object \"" + first + "\" cannot be read");
      kit.objects.emplace_back(first, std::move(*stored));
    } else {
      return NotAKit("there is a line that begins with \"" + word.substr(0, 40) + "\"");
    }
  }
  if (!ended) return NotAKit("its last line is missing");
  if (kit.objects.empty() || kit.objects.back().first != layout::kMarkerKey) return NotAKit("it has no marker");
  // The marker is needed to judge the rest.
  PITR_TRY(TakeKitObject(kit.objects.back().first, kit.objects.back().second, kit));
  for (const auto& [key, stored] : kit.objects) PITR_TRY(TakeKitObject(key, stored, kit));
  if (id != kit.marker.repository_id) return NotAKit("its marker is of another repository than it says");
  if (kit.marker.encrypted && kit.objects.size() < 2) return NotAKit("it has no key slot");
  return kit;
}

Status WriteRecoveryKit(const std::string& path, const RecoveryKit& kit) {
  return WriteDurableFile(path, FormatRecoveryKit(kit));
}

Result<RecoveryKit> ReadRecoveryKitFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) return Status(Code::kInvalidArgument, FileError(errno, "opening \"" + path + "\"").message());
  std::string text(kMaxKitBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return FileError(EIO, "reading \"" + path + "\"");
  text.resize(static_cast<size_t>(file.gcount()));
  auto kit = ParseRecoveryKit(text);
  if (!kit.ok()) return std::move(kit).status().Annotate("reading \"" + path + "\"");
  return kit;
}

}  // namespace pitr
