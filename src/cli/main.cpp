// pg_pitr: everything that must work when the server is gone.
#include "cli/verbs.h"

int main(int argc, char** argv) { return pitr::cli::RunCommandLine(argc, argv); }
