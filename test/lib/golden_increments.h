// The increments of test/golden/repo-v1, and the backup there that was interrupted. As golden_backup.h: what is there
// never changes.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "lib/golden_backup.h"

namespace pitr::test {

// LSNs of pages that were changed between the full backups and the first increment, and between the two increments.
inline constexpr uint32_t kGoldenFirstChangesLsn = 0x300010;
inline constexpr uint32_t kGoldenSecondChangesLsn = 0x400150;
inline constexpr uint32_t kGoldenThirdChangesLsn = 0x400350;  // before the doubted one
// A relation of more than a frame that is new in the first increment. In the second, this block of it is another, and
// there are more at its end.
inline constexpr const char* kGoldenChangedPath = "base/5/16400";
inline constexpr uint32_t kGoldenChangedBlock = 5;
inline constexpr uint32_t kGoldenChangedBlocks = 131;  // before it grew

// A differential backup on the second full one, found by reading everything, and an incremental one on that, found by
// page LSNs. Both are compressed.
std::vector<GoldenBackup> GoldenIncrements();

// An increment on the last of those, found by page LSNs on a cluster without data checksums, and one on that, found by
// reading everything. No version that writes this format makes the first: its manifest was changed afterwards, as if an
// older one had. What it holds is right; nobody can know that, so neither is built upon.
std::vector<GoldenBackup> GoldenDoubtedIncrements();

// A full backup that took over what the interrupted one had stored, and sent the rest.
GoldenBackup GoldenResumedBackup();

// A full backup on timeline 2, with its history and the settings of its server.
GoldenBackup GoldenBackupWithSettings();

// All that have a manifest.
std::vector<GoldenBackup> GoldenFinishedBackups();

// A full backup that copied all of these files and ended before it wrote its file map: there are a start object, packs
// and their partial maps.
GoldenBackup GoldenInterruptedBackup();

}  // namespace pitr::test
