// Every pack that the backups to be verified list, in the order of keys, and who lists it. Filled in the order:
// MakeCheckedPacks, TakeListing (sizes in the store), CheckFileMaps (what the maps say about them); constant from then
// on.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/repo/manifest.h"

namespace pitr {

struct PackUser {
  uint32_t backup = 0;    // index in CheckedPacks::backups
  uint32_t position = 0;  // in that backup's list of packs
};

struct TabledPack {
  std::string key;
  uint64_t size = 0;               // as the first manifest says
  std::optional<uint64_t> stored;  // as the store says; nullopt: it is not there
  uint64_t extents = 0;            // of all maps, those that several share counted again
  std::vector<PackUser> users;
};

struct TabledBackup {
  const BackupManifest* manifest = nullptr;
  bool mapped = false;  // its file map could be read
};

struct CheckedPacks {
  std::vector<TabledPack> packs;  // ascending by key
  std::vector<TabledBackup> backups;

  TabledPack* Find(const std::string& key);
  const TabledPack* Find(const std::string& key) const { return const_cast<CheckedPacks*>(this)->Find(key); }
};

// The manifests are borrowed.
CheckedPacks MakeCheckedPacks(const std::vector<const BackupManifest*>& backups);

}  // namespace pitr
