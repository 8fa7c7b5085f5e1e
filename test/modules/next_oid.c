/*
 * For tests: set_next_oid(oid), after which the next object gets that OID if it is free, as it happens after four thousand million of them. So a table gets a
 * file of the number that a dropped one had.
 */
#include "postgres.h"

#include "access/transam.h"
#include "fmgr.h"
#include "storage/lwlock.h"

#if PG_VERSION_NUM < 170000
#define TransamVariables ShmemVariableCache
#endif

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(set_next_oid);

Datum
set_next_oid(PG_FUNCTION_ARGS)
{
	LWLockAcquire(OidGenLock, LW_EXCLUSIVE);
	TransamVariables->nextOid = PG_GETARG_OID(0);
	TransamVariables->oidCount = 0;		/* the next one is logged */
	LWLockRelease(OidGenLock);
	PG_RETURN_VOID();
}
