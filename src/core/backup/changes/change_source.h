// Where an increment learns what may have changed since its parent backup. A source answers for one relation segment
// file (main fork) after the other; everything else is decided without it: files that the parent does not have are
// read and stored, other forks and other files are read and compared.
//
// To be right, an answer must cover every change that was made between the parent's start LSN and the increment's start
// LSN, and may cover more. Changes after the increment's start are the business of WAL.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/pg/block_changes.h"
#include "core/pg/relation_file.h"
#include "core/repo/manifest.h"

namespace pitr {

struct FileQuestion {
  std::string_view path;
  RelationPath relation;    // main fork
  uint64_t size_bytes = 0;  // now
  bool same_file = false;   // known to be the very file that the parent read: not one made anew under its name
};

struct FileChange {
  enum class Answer {
    kUnchanged,  // every byte is the parent's: nothing is read
    kBlocks,     // only `blocks` and what comes from `all_from` on may differ: nothing else is read
    kPageLsn,    // all is read; a page whose LSN is older than the parent's start is the parent's
    kCompare     // all is read; what has the parent's checksum is the parent's
  };
  Answer answer = Answer::kCompare;
  std::vector<uint32_t> blocks;    // within the segment file; ascending
  uint32_t all_from = UINT32_MAX;  // within the segment file: 0 when the relation was truncated, dropped or made anew
};

// Constant once made; asked from one thread, which owns it.
class ChangeSource {
 public:
  virtual ~ChangeSource() = default;
  virtual const ChangeOrigin& origin() const = 0;
  // Whether a relation's file that is as the parent saw it from outside (FileStamp) need not be read at all.
  virtual bool trusts_stamps() const { return true; }
  virtual Result<FileChange> Ask(const FileQuestion& question) const = 0;
};

// Page LSNs. A page tells when WAL last changed it, so that a changed file costs reading but not storing. Not for files
// that are not the parent's own: CREATE DATABASE and ALTER DATABASE SET TABLESPACE copy pages with their old LSNs. And
// only for clusters with data checksums: without them VACUUM sets PD_ALL_VISIBLE and leaves the page's LSN as it was
// (log_heap_visible in access/heap/heapam.c), while the visibility map is taken as it is now.
std::unique_ptr<ChangeSource> MakePageLsnSource(ChangeOrigin origin);
// Reads everything and compares it with the parent's checksums; right whatever happened to the files.
std::unique_ptr<ChangeSource> MakeFullReadSource(std::string why);
// The same, but of relations only what was written since the parent: where pages do not tell and WAL is not known.
std::unique_ptr<ChangeSource> MakeWrittenFilesSource(ChangeOrigin origin);

// What WAL says, by summaries or by change maps. Only for files that are the parent's own, too: WAL tells nothing of a
// file that was put there behind the server's back. The changes are those of all WAL from the parent's start to the
// increment's start.
std::unique_ptr<ChangeSource> MakeKnownBlocksSource(ChangeOrigin origin, BlockChanges changes);

}  // namespace pitr
