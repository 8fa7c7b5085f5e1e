// Every pack and every page of a file map that the backups to be verified list, in the order of keys, and who lists it.
// Filled in the order: MakeCheckedPacks, TakeListing (sizes in the store), CheckFileMaps (what the maps say about
// them); constant from then on.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/repo/manifest.h"
#include "core/repo/maps/file_map.h"

namespace pitr {

struct PackUser {
  uint32_t backup = 0;    // index in CheckedPacks::backups
  uint32_t position = 0;  // in that backup's list of packs
};

struct TabledPack {
  std::string key;
  uint64_t size = 0;               // as the first manifest says
  std::optional<uint64_t> stored;  // as the store says; nullopt: it is not there
  uint64_t extents = 0;            // of all pages
  std::vector<PackUser> users;
};

// A page, which several backups may share.
struct TabledPage {
  MapPage page;                    // as the first list says, but `packs` are indices in CheckedPacks::packs
  std::optional<uint64_t> stored;  // as the store says; nullopt: it is not there
  std::vector<uint32_t> backups;   // that have it, as indices in CheckedPacks::backups
  bool listed = false;             // the list of one of them could be read
  bool mapped = false;             // it could be read
};

struct TabledBackup {
  const BackupManifest* manifest = nullptr;
  bool mapped = false;  // its file map could be read, all of it
};

struct CheckedPacks {
  std::vector<TabledPack> packs;  // ascending by key
  std::vector<TabledPage> pages;  // ascending by label and number
  std::vector<TabledBackup> backups;
  // Why other backups may refer to what these do not: one was not looked at, or what it lists cannot be read. Clauses.
  std::vector<std::string> unknown_users;
  // These, joined; empty when there is none.
  std::string WhyUnknownUsers() const;

  TabledPack* Find(const std::string& key);
  TabledPage* FindPage(const std::string& label, uint32_t number);
  const TabledPack* Find(const std::string& key) const { return const_cast<CheckedPacks*>(this)->Find(key); }
};

// The manifests are borrowed.
CheckedPacks MakeCheckedPacks(const std::vector<const BackupManifest*>& backups);

}  // namespace pitr
