// The digests by which an increment tells that every file of a page is as its parent saw it, without reading the page.
// Equal digests of all files, and equal times of changes or WAL that tells of no change for main forks of relations,
// mean that the page's content is that of the data directory (docs/design/020-file-maps-in-pages.md).
// One page and one thread per object. Pure.
#pragma once
#include "core/base/sha256.h"
#include "core/repo/maps/file_map.h"

namespace pitr {

class MapPageSum {
 public:
  // Files ascend by path; what is not known of one makes a digest empty. Never known of the control file.
  void Add(const MappedFile& file);
  MapPageState Finish();

 private:
  Sha256Hasher files_;
  Sha256Hasher times_;
  bool files_known_ = true;
  bool times_known_ = true;
};

// Whether WAL tells of every change of the file: a main fork of a relation.
bool IsToldByWal(const std::string& path);

}  // namespace pitr
