/*
 * A build without the library that this front needs.
 */
#include "chat.h"

const struct chat_front *const chat_line = NULL;
