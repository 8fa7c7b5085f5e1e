// Whether the objects that a backup consists of are there: its packs and the pages of its file map, those of earlier
// backups that it refers to, and the list of pages. By listing; nothing is read.
#pragma once
#include <string>
#include <vector>

#include "core/repo/manifest.h"
#include "core/repo/maps/file_map.h"

namespace pitr {

// A sentence without its end for each object that is missing or has another size; empty when all is as the manifest
// says. Of pages only the list, `pages`, says sizes: without it their sum is compared, and the list read when it is not
// right. Errors as the store's.
Result<std::vector<std::string>> FindMissingObjects(const Repository& repository, const BackupManifest& backup,
                                                    const OpContext& ctx, const std::vector<MapPage>* pages = nullptr);
// Of `packs` alone; one of 0 bytes may have any size.
Result<std::vector<std::string>> FindMissingPacks(const Repository& repository, const std::vector<PackEntry>& packs,
                                                  const OpContext& ctx);
// kCorruption with `hint` when FindMissingObjects finds any; errors as the store's.
Status RequireObjects(const Repository& repository, const BackupManifest& backup, const std::string& hint,
                      const OpContext& ctx);

// The first few of `problems` and how many more there are.
std::string ListProblems(const std::vector<std::string>& problems);

}  // namespace pitr
