<?PHP
echo "caps";
