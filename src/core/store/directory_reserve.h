// Space that a directory store keeps back. Nothing can be deleted safely without writing something first: the time, and
// the marks of what is going to be deleted. So a store that is full to the last block could never be made smaller.
//
// It is in small files, since inodes can be what is short, of bytes that no file system stores as a hole. Other writers
// race for what is released: so little at first, more each time, only when a creation has failed, which is tried again
// at once. (XFS creates a file only where some hundred kB are free.)
#pragma once
#include <string>

#include "core/store/directory_tree.h"

namespace pitr {

inline constexpr int kReservePieces = 32;
inline constexpr size_t kReservePieceBytes = 32768;

// Gives up to so many pieces back to the file system. False when none is left.
bool ReleaseFromReserve(const DirectoryTree& tree, int pieces);
// Makes the pieces that are missing. As FileError; what was made until then stays.
Status FillReserve(const DirectoryTree& tree);
// What to do where a creation failed and nothing is left.
std::string NoReserveHint(const std::string& root);

}  // namespace pitr
