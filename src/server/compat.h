// What differs between PostgreSQL 15 and 19, and nothing else. Every other server file is the same for all versions.
// Included by pg.h only, inside extern "C".
#pragma once

#if PG_VERSION_NUM < 150000
#error "pg_pitr needs PostgreSQL 15 or newer"
#endif

#if PG_VERSION_NUM >= 160000
#include "archive/archive_module.h"
#else
#include "postmaster/pgarch.h"
#endif
#include "utils/wait_event.h"
// get_database_oid() moved in 19.
#if PG_VERSION_NUM >= 190000
#include "catalog/pg_database.h"
#else
#include "commands/dbcommands.h"
#endif

// Module magic: 18 added a name and a version that pg_get_loaded_modules() shows.
#if PG_VERSION_NUM >= 180000
#define PITR_MODULE_MAGIC(module_name, module_version) \
  PG_MODULE_MAGIC_EXT(.name = module_name, .version = module_version)
#else
#define PITR_MODULE_MAGIC(module_name, module_version) PG_MODULE_MAGIC
#endif

// The archive module's entry point and callbacks: 15 fills a struct and passes no state, 16 and later return a constant
// struct and pass one. PITR_ARCHIVE_MODULE(start, check, archive, shutdown) takes functions of the stateless form;
// `start` is called when the archiver has loaded the library.
#if PG_VERSION_NUM >= 160000
#define PITR_ARCHIVE_MODULE(start, check, archive, shutdown)                                                           \
  static bool PitrCheckConfigured(ArchiveModuleState*) { return check(); }                                             \
  static bool PitrArchiveFile(ArchiveModuleState*, const char* file, const char* path) { return archive(file, path); } \
  static void PitrShutdown(ArchiveModuleState*) { shutdown(); }                                                        \
  static const ArchiveModuleCallbacks kPitrArchiveCallbacks = {.startup_cb = NULL,                                     \
                                                               .check_configured_cb = PitrCheckConfigured,             \
                                                               .archive_file_cb = PitrArchiveFile,                     \
                                                               .shutdown_cb = PitrShutdown};                           \
  extern "C" PGDLLEXPORT const ArchiveModuleCallbacks* _PG_archive_module_init(void) {                                 \
    start();                                                                                                           \
    return &kPitrArchiveCallbacks;                                                                                     \
  }
#else
#define PITR_ARCHIVE_MODULE(start, check, archive, shutdown)                               \
  extern "C" PGDLLEXPORT void _PG_archive_module_init(ArchiveModuleCallbacks* callbacks);  \
  extern "C" PGDLLEXPORT void _PG_archive_module_init(ArchiveModuleCallbacks* callbacks) { \
    callbacks->check_configured_cb = check;                                                \
    callbacks->archive_file_cb = archive;                                                  \
    callbacks->shutdown_cb = shutdown;                                                     \
    start();                                                                               \
  }
#endif

// Why archiving is not configured: 17 and later print it as the detail of their own warning.
#if PG_VERSION_NUM >= 170000
#define PITR_HAS_ARCHIVE_ERRDETAIL 1
#define PitrArchiveErrdetail(text) arch_module_check_errdetail("%s", text)
#else
#define PITR_HAS_ARCHIVE_ERRDETAIL 0
#define PitrArchiveErrdetail(text) ((void)(text))
#endif

// Setting archive_command besides archive_library is an error since 16.
#define PITR_ARCHIVE_COMMAND_EXCLUDES_LIBRARY (PG_VERSION_NUM >= 160000)

// 19 gave signal handlers a type of its own.
#ifdef PG_SIG_IGN
#define PitrIgnoreSignal PG_SIG_IGN
#else
#define PitrIgnoreSignal SIG_IGN
#endif

// The wait event shown in pg_stat_activity: named from 17 on.
#if PG_VERSION_NUM >= 170000
static inline uint32 PitrWaitEvent(void) {
  static uint32 event = 0;
  if (event == 0) event = WaitEventExtensionNew("PitrJob");
  return event;
}
#else
#define PitrWaitEvent() PG_WAIT_EXTENSION
#endif
