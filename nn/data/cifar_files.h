// Where CIFAR's files are: a folder, or a tar archive that is read once, in order.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace iolaus::nn::data {

/// One of the official distributions: its folder, archive and files.
struct CifarLayout {
  bool pickled;
  std::string folder, archive;
  std::vector<std::string> train, test;
  std::vector<std::string> names;  // files with the classes' names
};

struct CifarFiles {
  const CifarLayout* layout;
  std::string place;  // the folder or archive, for messages
  /// Bytes by file name.
  std::map<std::string, std::string> contents;
};

/// Finds the first layout that is there and reads its files of one part, with the names.
/// Errors: kNotFound, kIo, and those of TarReader.
CifarFiles read_cifar_files(const std::string& path, const std::vector<CifarLayout>& layouts,
                            bool train);

}  // namespace iolaus::nn::data
