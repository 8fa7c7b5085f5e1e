#include "core/store/directory_reserve.h"

#include <fcntl.h>
#include <sys/random.h>

#include <cerrno>
#include <cstdint>
#include <vector>

namespace pitr {
namespace {

// ".tmp~/reserve/07". Not the name of an upload, so no sweep takes it for one.
std::string ReserveDirectory() { return std::string(kTempDirectory) + "/reserve"; }

std::string PiecePath(int piece) {
  return ReserveDirectory() + "/" + static_cast<char>('0' + piece / 10) + static_cast<char>('0' + piece % 10);
}

std::vector<uint8_t> RandomPiece() {
  std::vector<uint8_t> bytes(kReservePieceBytes);
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t n = getrandom(bytes.data() + done, bytes.size() - done, 0);
    if (n > 0) done += static_cast<size_t>(n);
  }
  return bytes;
}

// 0 or errno.
int MakePiece(const DirectoryTree& tree, const std::string& path, const std::vector<uint8_t>& bytes) {
  UniqueFd file = tree.Open(path, O_WRONLY | O_CREAT | O_EXCL, kFileMode);
  if (!file.ok()) return errno == EEXIST ? 0 : errno;
  fchmod(file.get(), kFileMode);
  tree.GiveToOwner(file.get());
  int error = 0;
  for (size_t done = 0; done < bytes.size() && error == 0;) {
    const ssize_t n = write(file.get(), bytes.data() + done, bytes.size() - done);
    if (n > 0) done += static_cast<size_t>(n);
    if (n == 0 || (n < 0 && errno != EINTR)) error = n == 0 ? ENOSPC : errno;
  }
  // Not synced: what a crash loses the next expiry makes again.
  if (const int closed = file.Close(); error == 0) error = closed;
  if (error != 0) tree.Unlink(path, 0);
  return error;
}

}  // namespace

bool ReleaseFromReserve(const DirectoryTree& tree, int pieces) {
  int released = 0;
  for (int piece = kReservePieces; piece-- > 0 && released < pieces;)
    released += tree.Unlink(PiecePath(piece), 0) == 0 ? 1 : 0;
  return released > 0;
}

Status FillReserve(const DirectoryTree& tree) {
  const std::string directory = ReserveDirectory();
  const std::string doing = "making the reserve in \"" + directory + "\"";
  if (tree.MakeDirectory(directory, kDirectoryMode) != 0 && errno != EEXIST) return tree.Error(errno, directory, doing);
  const std::vector<uint8_t> bytes = RandomPiece();
  for (int piece = 0; piece < kReservePieces; piece++) {
    const std::string path = PiecePath(piece);
    struct stat info {};
    const bool there = tree.Stat(path, &info) == 0;
    if (there && static_cast<uint64_t>(info.st_size) >= kReservePieceBytes) continue;
    if (there) tree.Unlink(path, 0);  // what a crash left
    if (const int error = MakePiece(tree, path, bytes); error != 0) return tree.Error(error, path, doing);
  }
  return Status::Ok();
}

std::string NoReserveHint(const std::string& root) {
  return "Nothing is left of the space that the repository keeps for this. Enlarge the file system, raise the quota, "
         "or free 1 MB by hand, and run the command again: outside of the repository, or, while no backup runs, the "
         "files "
         "below \"" +
         root + "/probe\" and \"" + root + "/" + kTempDirectory +
         "\", which are leftovers. Remove nothing else in the repository by hand.";
}

}  // namespace pitr
