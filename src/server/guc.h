// The pg_pitr.* settings as server settings, registered from core's table (core/config/settings.h), and their values as
// a Config.
#pragma once
#include "core/config/config.h"

namespace pitr::server {

// Called once, from _PG_init. C frame: may raise.
void RegisterSettings();

// Tells the programs that the server will call (restore_command) which repository this server archives to, in the
// environment. From _PG_init in the postmaster, which has no threads; a later change of the setting is not followed.
void TellPrograms();

// A copy of the settings as they are now. Main thread.
Config CurrentConfig();

// True when an operation begun with `a` may go on with `b`.
bool SameSettings(const Config& a, const Config& b);

}  // namespace pitr::server
