/* What deepbind.cc loads: the smallest plugin that allocates. */
#include <stdlib.h>

void* plugin_malloc(size_t size) { return malloc(size); }
void plugin_free(void* block) { free(block); }
