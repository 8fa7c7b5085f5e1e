// Some pages of file maps, by label and number. One thread while it is filled.
#pragma once
#include <map>
#include <set>
#include <string>

#include "core/repo/manifest.h"

namespace pitr {

class PageSet {
 public:
  // Nothing when the key is not a page's.
  void Add(const std::string& key);
  // All that the backup's file map has.
  void AddAll(const BackupManifest& backup);
  bool Contains(const std::string& key) const;
  bool ContainsAll(const BackupManifest& backup) const;

 private:
  std::map<std::string, std::set<uint32_t>, std::less<>> numbers_;  // by label
};

}  // namespace pitr
