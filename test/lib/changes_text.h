// Changed blocks as lines of text, sorted by relation; waldump_blocks.pl makes the lines of blocks of pg_waldump's
// output: "block <tablespace>/<database>/<relation> <fork> <block>", "limit ...", "database ...", "tablespace ...".
#pragma once
#include <string>

#include "core/pg/block_changes.h"
#include "lib/wal_text.h"

namespace pitr {

inline std::string ChangesText(const BlockChanges& changes) {
  std::string text;
  auto name = [](const RelationFork& fork) {
    return std::to_string(fork.relation.tablespace) + "/" + std::to_string(fork.relation.database) + "/" +
           std::to_string(fork.relation.number) + " " + ForkText(fork.fork) + " ";
  };
  for (const RelationFork& fork : changes.SortedForks()) {
    const ForkChanges& of = *changes.Find(fork);
    if (of.limit != ForkChanges::kNoLimit) text += "limit " + name(fork) + std::to_string(of.limit) + "\n";
    for (uint32_t block : of.blocks.Within(0, UINT32_MAX)) text += "block " + name(fork) + std::to_string(block) + "\n";
  }
  for (const auto& [database, tablespace] : changes.databases())
    text += "database " + std::to_string(tablespace) + "/" + std::to_string(database) + "\n";
  for (uint32_t tablespace : changes.tablespaces()) text += "tablespace " + std::to_string(tablespace) + "\n";
  if (changes.unknown() != BlockChanges::Unknown::kNothing) text += "everything: " + changes.DescribeUnknown() + "\n";
  return text;
}

}  // namespace pitr
