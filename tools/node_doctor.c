#include "node_config.h"
int node_doctor(const struct options *o){(void)o;return 0;}
