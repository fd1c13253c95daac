/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * For a build without the renderer: sound and truth, no picture.
 */

#include <string.h>

#include "scene/avm-stage.h"

void
avm_stage_config_init (AvmStageConfig *config, int width, int height, int n)
{
  memset (config, 0, sizeof (*config));
}

AvmStage *
avm_stage_new (const AvmStageConfig *config, AvmError *error)
{
  avm_error_set (error, AVM_ERROR_UNSUPPORTED, -1, "built without renderer");
  return NULL;
}

void
avm_stage_free (AvmStage *stage)
{
}

void
avm_stage_render (AvmStage *stage, double time_s, const AvmPose *poses,
    uint8_t *const planes[], const int strides[], int n_planes)
{
}

bool
avm_stage_region (const AvmStage *stage, double time_s, const AvmPose *poses,
    int player, AvmStageRole role, AvmStageRect *rect)
{
  return false;
}
