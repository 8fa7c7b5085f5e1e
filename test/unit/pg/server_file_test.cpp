#include "core/pg/server_file.h"

#include <gtest/gtest.h>

namespace pitr {
namespace {

TEST(ServerFileTest, WhatTheServerMakesIsKnownByNameAndPlace) {
  for (const char* path : {"PG_VERSION",
                           "postmaster.pid",
                           ".s.PGSQL.5432.lock",
                           "current_logfiles",
                           "pg_pitr.restore",
                           "base",
                           "base/16384",
                           "base/pgsql_tmp",
                           "base/pgsql_tmp/pgsql_tmp12.3",
                           "base/5/16384",
                           "base/5/16384_fsm.1",
                           "base/5/t3_16384",
                           "base/5/pg_filenode.map",
                           "base/5/PG_VERSION",
                           "global/pg_control",
                           "global/1262",
                           "global/pg_internal.init.7",
                           "pg_xact/0000",
                           "pg_multixact/offsets/0001",
                           "pg_tblspc/16400",
                           "pg_tblspc/16400/PG_15_202209061",
                           "pg_tblspc/16400/PG_15_202209061/5",
                           "pg_tblspc/16400/PG_15_202209061/5/16500",
                           "pg_replslot/slot/state",
                           "pg_stat/pgstat.stat",
                           "pg_wal/000000010000000000000001",
                           "pg_wal/00000002.history",
                           "pg_wal/000000010000000000000001.partial",
                           "pg_wal/archive_status/000000010000000000000001.done",
                           "pg_wal/xlogtemp.7",
                           "pg_wal/RECOVERYXLOG",
                           "pg_wal/pg_pitr.spool",
                           "pg_wal/pg_pitr.spool/x"})
    EXPECT_TRUE(IsServerFile(path)) << path;
}

TEST(ServerFileTest, WhatPeoplePutThereIsTheirs) {
  for (const char* path : {"postgresql.conf",
                           "postgresql.auto.conf",
                           "pg_hba.conf",
                           "pg_ident.conf",
                           "conf.d",
                           "conf.d/new.conf",
                           "server.key",
                           "NOTES.txt",
                           "serverlog/server.log",
                           "pg_wal.old",
                           "recovery.conf",
                           "core.17",
                           "pg_pitr.repository",
                           "pg_pitr.before-restore-20260522T143000Z",
                           "base/NOTES.txt",
                           "base/5/16384.bak",
                           "base/5/16384 (copy)",
                           "base/5/dir/16384",
                           "base/foreign",
                           "base/foreign/16384",
                           "global/notes",
                           "pg_xact/0000.save",
                           "pg_tblspc/16400/other",
                           "pg_wal/notes",
                           "pg_wal/pg_pitr.before-restore-20260522T143000Z",
                           "pg_wal/saved/000000010000000000000001"})
    EXPECT_FALSE(IsServerFile(path)) << path;
}

}  // namespace
}  // namespace pitr
