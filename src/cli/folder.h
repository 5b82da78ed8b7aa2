/* Where the data is when nobody says: the same for the server and the commands that work on the folder. */
#pragma once

char *data_folder_otherwise(void); /* $XDG_DATA_HOME/gennaker, else ~/.local/share/gennaker; caller frees */
