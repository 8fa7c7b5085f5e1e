// What happens when the server loads the library: settings and shared memory. No thread, no curl, no file (rule
// "nothing at load"): this may be the postmaster.
#include "server/guc.h"
#include "server/pg.h"
#include "server/shmem.h"

extern "C" {
PITR_MODULE_MAGIC("pg_pitr", "1.0");
PGDLLEXPORT void _PG_init(void);

void _PG_init(void) {
  pitr::server::RegisterSettings();
  if (process_shared_preload_libraries_in_progress) {
    pitr::server::RequestSharedMemory();
    pitr::server::TellPrograms();
  }
}
}
