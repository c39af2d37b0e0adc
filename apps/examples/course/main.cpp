// The program: composes conf/train.yaml, then trains and tests what it describes.
#include "nn/run/run.h"

int main(int argc, char** argv) {
  return iolaus::nn::train_main(
      argc, argv, {.name = "train", .config_dir = COURSE_CONF_DIR, .config_name = "train"});
}
